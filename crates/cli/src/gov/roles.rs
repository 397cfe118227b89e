//! `ballast gov roles|accept-role|pause|resume`.

use ballast_client::measure::{duration, seconds};
use ballast_client::{LONGEST_PAUSE, Market, Pausable, Pubkey, Role, change};
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use super::describe::{holder, roles_of};
use super::wanted::{role_name, role_of};
use crate::context::{Context, OnChain};
use crate::failure::Failure;
use crate::output::{Report, Table, facts};
use crate::send::{Request, Sent, send};

/// Show who holds which role
#[derive(Args, Debug)]
pub struct Roles {}

/// Accept a role that you were named for
#[derive(Args, Debug)]
pub struct AcceptRole {
    /// governance, guardian or steward
    role: String,
}

/// Pause something; it ends by itself
#[derive(Args, Debug)]
pub struct Pause {
    /// `borrow`, `withdraw`, or the name of an asset
    what: String,
    /// For how long, at most a day
    #[arg(long = "for", default_value = "1d", value_name = "TIME")]
    time: String,
}

/// End a pause
#[derive(Args, Debug)]
pub struct Resume {
    /// `borrow`, `withdraw`, or the name of an asset
    what: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Holder {
    role: &'static str,
    /// Absent for a vacant role.
    holder: Option<String>,
    /// Who was named and has to accept.
    named: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Holders(Vec<Holder>);

impl Report for Holders {
    fn text(&self) -> String {
        let mut table = Table::new(&["Role", "Holder", "Named, has to accept"]);
        for Holder { role, holder, named } in &self.0 {
            let holder = holder.clone().unwrap_or_else(|| "nobody".to_owned());
            table.row([(*role).to_owned(), holder, named.clone().unwrap_or_default()]);
        }
        table.to_string()
    }
}

fn holders(market: &Market) -> Vec<Holder> {
    let known = |key: &Pubkey| (*key != Pubkey::default()).then(|| key.to_string());
    let of = |role: Role| Holder {
        role: role_name(role),
        holder: known(role.of(&market.roles)),
        named: known(role.of(&market.named)),
    };
    Role::ALL.into_iter().map(of).collect()
}

impl Roles {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        context.show(&Holders(holders(&chain.market)))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    action: &'static str,
    what: String,
    #[serde(flatten)]
    sent: Sent,
}

impl Report for Done {
    fn text(&self) -> String {
        facts([("Done", format!("{} {}", self.action, self.what))]) + &self.sent.text()
    }
}

impl AcceptRole {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let unknown = || Failure::usage(format!("{}: the roles are governance, guardian, steward", self.role));
        let role = role_of(&self.role).ok_or_else(unknown)?;
        let (market, signer) = (context.market().await?, context.signer()?);
        let present = holder(role.of(&market.market.roles));
        let request = Request {
            preview: vec![format!("{} takes over {} from {present}", signer.pubkey(), role_name(role))],
            instructions: vec![change::accept_role(&signer.pubkey(), &market.address, role)],
            signers: vec![&*signer],
        };
        let sent = send(context, request).await?;
        context.show(&Done { action: "accept-role", what: self.role, sent })
    }
}

fn pausable(chain: &OnChain, what: &str) -> Result<Pausable, Failure> {
    Ok(match what {
        "borrow" => Pausable::Borrow,
        "withdraw" => Pausable::Withdraw,
        asset => Pausable::Asset(chain.asset(asset)?),
    })
}

fn as_whom(chain: &OnChain, key: &Pubkey) -> String {
    let roles = roles_of(&chain.market, key);
    if roles.is_empty() { format!("{key}, who holds no role") } else { format!("{key}, {}", roles.join(" and ")) }
}

impl Pause {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let time = seconds(&self.time).filter(|time| (1..=LONGEST_PAUSE).contains(time));
        let time = time.and_then(|time| u32::try_from(time).ok());
        let time = time.ok_or_else(|| Failure::usage(format!("{}: a pause lasts from 1s to 1d", self.time)))?;
        let (market, signer) = (context.market().await?, context.signer()?);
        let paused = pausable(&market, &self.what)?;
        let by = as_whom(&market, &signer.pubkey());
        let request = Request {
            preview: vec![format!("Pause {} for {} by {by}", self.what, duration(time.into()))],
            instructions: vec![change::pause(&signer.pubkey(), &market.address, paused, time)],
            signers: vec![&*signer],
        };
        let sent = send(context, request).await?;
        context.show(&Done { action: "pause", what: self.what, sent })
    }
}

impl Resume {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let (market, signer) = (context.market().await?, context.signer()?);
        let paused = pausable(&market, &self.what)?;
        let by = as_whom(&market, &signer.pubkey());
        let request = Request {
            preview: vec![format!("Resume {} by {by}", self.what)],
            instructions: vec![change::resume(&signer.pubkey(), &market.address, paused)],
            signers: vec![&*signer],
        };
        let sent = send(context, request).await?;
        context.show(&Done { action: "resume", what: self.what, sent })
    }
}
