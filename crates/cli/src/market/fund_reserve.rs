//! `ballast market fund-reserve`.

use ballast_client::Guard;
use clap::Args;
use serde::Serialize;
use solana_signer::Signer;

use crate::amounts::{Tokens, Wanted, parts};
use crate::context::{Context, name};
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};
use crate::wallet::Wallet;

/// Give tokens to the reserve of an asset, which pays for bad debt before the depositors do. Anybody may
///
/// It is a gift: nobody can take it back.
#[derive(Args, Debug)]
pub struct FundReserve {
    /// `USDC=1000`, or `USDC 1000`
    #[arg(required = true, value_name = "ASSET=AMOUNT")]
    amounts: Vec<String>,
    /// Last slot in which it may happen
    #[arg(long, value_name = "SLOT")]
    deadline_slot: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Funded {
    market: String,
    /// What is sent; a token may withhold a part of it.
    amounts: Vec<Gift>,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Serialize)]
struct Gift {
    asset: String,
    #[serde(flatten)]
    tokens: Tokens,
}

impl Report for Funded {
    fn text(&self) -> String {
        let gifts =
            self.amounts.iter().map(|gift| ("Gift", format!("{} {}", gift.tokens.ui_amount_string, gift.asset)));
        facts(std::iter::once(("Market", self.market.clone())).chain(gifts)) + &self.sent.text()
    }
}

impl FundReserve {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let market = context.market().await?;
        let parts = parts(&market, &self.amounts)?;
        let signer = context.signer()?;
        let wallet = Wallet { context, address: signer.pubkey() };
        let reference = market.reference();
        let reference = reference.guarded(Guard { deadline_slot: self.deadline_slot, ..Guard::default() });
        let (mut instructions, mut preview, mut amounts) = (vec![], vec![], vec![]);
        for part in &parts {
            let record = &market.market.assets[usize::from(part.asset)];
            let called = name(&record.name);
            let Wanted::Native(amount) = part.wanted else {
                return Err(Failure::usage(format!("say how much {called} to give")));
            };
            let wrapping = wallet.pays(record, amount).await?;
            instructions.extend(wrapping.before);
            instructions.push(reference.fund_reserve(&signer.pubkey(), part.asset, amount));
            instructions.extend(wrapping.after);
            let tokens = Tokens::of(record, amount);
            preview.push(format!("Give {} {called} to its reserve for good", tokens.ui_amount_string));
            preview.extend(wrapping.line);
            amounts.push(Gift { asset: called, tokens });
        }
        let sent = send(context, Request { preview, instructions, signers: vec![&*signer] }).await?;
        context.show(&Funded { market: market.address.to_string(), amounts, sent })
    }
}
