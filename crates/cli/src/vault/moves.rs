//! `ballast vault deposit|withdraw|borrow|repay`.

use ballast_client::preview::Preview;
use ballast_client::{Asset, Guard, Pubkey, Vault, token};
use clap::Args;
use serde::Serialize;
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::foresight::{foresee, stage};
use super::fresh::{Fresh, Refresh, refreshed};
use super::view::{Health, changes};
use super::{Chosen, Which};
use crate::amounts::{Part, Tokens, Wanted, decimal, parts};
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::{Report, facts, note};
use crate::send::{Request, Sent, send};
use crate::wallet::{Wallet, Wrapping, is_native};

/// Seconds until a transaction has landed or never will, with something to spare: interest of that long is paid for.
const LANDING: u64 = 300;

/// Amounts to be moved.
#[derive(Args, Debug)]
pub struct Moves {
    /// `SOL=1.5`, or `SOL 1.5`; `all` for as much as there is
    #[arg(required = true, value_name = "ASSET=AMOUNT")]
    amounts: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Whether prices are refreshed first, in the same transaction
    #[arg(long, value_enum, default_value_t)]
    refresh: Refresh,
    /// Last slot in which it may happen
    #[arg(long, value_name = "SLOT")]
    deadline_slot: Option<u64>,
}

/// Amounts that leave a vault.
#[derive(Args, Debug)]
pub struct Leaving {
    #[command(flatten)]
    moves: Moves,
    /// Refused unless this margin is left at Init: 120% is a fifth more than the market asks for
    #[arg(long, value_name = "PERCENT")]
    least_margin: Option<String>,
    /// Native SOL stays wrapped
    #[arg(long)]
    keep_wrapped: bool,
}

/// The direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Deposit,
    Withdraw,
    Borrow,
    Repay,
}

impl Move {
    /// In the imperative.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdraw => "withdraw",
            Self::Borrow => "borrow",
            Self::Repay => "repay",
        }
    }

    /// Whether tokens come from the signer's wallet.
    const fn pays(self) -> bool {
        matches!(self, Self::Deposit | Self::Repay)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    vault: String,
    action: &'static str,
    amounts: Vec<MovedPart>,
    /// The check before and after, as it was foreseen.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Health>,
    /// Transactions ahead of it that refreshed prices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refreshes: Vec<Sent>,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedPart {
    asset: String,
    /// Absent where it was `all`.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Tokens>,
    /// What moves, as it was foreseen; where nothing is foreseen, what was asked for, and absent for `all`.
    #[serde(flatten)]
    tokens: Option<Tokens>,
}

impl Report for Moved {
    fn text(&self) -> String {
        facts([("Vault", self.vault.clone())]) + &self.sent.text()
    }
}

/// What will happen, before anything is sent.
struct Plan<'a> {
    market: &'a OnChain,
    chosen: &'a Chosen,
    direction: Move,
    guard: Guard,
    keep_wrapped: bool,
    /// As the command line says, and with what `all` is.
    asked: Vec<Part>,
    parts: Vec<Part>,
}

/// What the program's own functions say of it.
struct Foreseen {
    fresh: Fresh,
    preview: Preview,
    lines: Vec<String>,
}

impl Leaving {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context, direction: Move) -> Result<(), Failure> {
        let least_margin_bps = self.least_margin.as_deref().map(margin_bps).transpose()?;
        let guard = Guard { least_margin_bps, deadline_slot: self.moves.deadline_slot };
        self.moves.carry_out(context, direction, guard, self.keep_wrapped).await
    }
}

/// `120%` in basis points.
fn margin_bps(text: &str) -> Result<u32, Failure> {
    // Two decimal places of a per cent are basis points.
    let bps = text.strip_suffix('%').and_then(|digits| crate::amounts::native(digits, 2).ok());
    let bps = bps.and_then(|bps| u32::try_from(bps).ok());
    bps.ok_or_else(|| {
        Failure::usage(format!("{text} is no margin: write 120%, where 100% is what the market asks for"))
    })
}

impl Moves {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context, direction: Move) -> Result<(), Failure> {
        let guard = Guard { least_margin_bps: None, deadline_slot: self.deadline_slot };
        self.carry_out(context, direction, guard, false).await
    }

    async fn carry_out(
        self,
        context: &Context,
        direction: Move,
        guard: Guard,
        keep_wrapped: bool,
    ) -> Result<(), Failure> {
        let market = context.market().await?;
        let asked = parts(&market, &self.amounts)?;
        let chosen = self.which.find(context, &market).await?;
        let signer = context.signer()?;
        let parts = asked.clone();
        let mut plan = Plan { market: &market, chosen: &chosen, direction, guard, keep_wrapped, asked, parts };
        plan.fill(context, &signer.pubkey()).await?;
        let foreseen = match &chosen.vault {
            Some(vault) => Some(plan.foresee(context, vault, self.refresh).await?),
            None => None,
        };
        let (mut instructions, mut preview) = plan.instructions(context, &signer.pubkey(), foreseen.as_ref()).await?;
        preview.extend(foreseen.iter().flat_map(|foreseen| foreseen.lines.clone()));
        let mut refreshes = vec![];
        if let Some(foreseen) = &foreseen {
            // Before the first question whether to go on.
            preview.drain(..).for_each(|line| note(&line));
            (instructions, refreshes) = foreseen.fresh.before(context, &market, instructions).await?;
        }
        let request = Request { preview, instructions, signers: vec![&*signer] };
        let sent = send(context, request).await?;
        let preview = foreseen.map(|foreseen| foreseen.preview);
        let amounts = plan.amounts(preview.as_ref());
        let [before, after] =
            preview.map_or([None, None], |preview| [&preview.before, &preview.after].map(|health| Some(health.into())));
        let vault = chosen.address.to_string();
        context.show(&Moved { vault, action: direction.verb(), amounts, before, after, refreshes, sent })
    }
}

impl Plan<'_> {
    fn record(&self, part: &Part) -> &Asset {
        &self.market.market.assets[usize::from(part.asset)]
    }

    /// Replaces `all` of a payment with what the wallet has, and a repayment of native SOL with what is owed. The program takes
    /// no more than is owed.
    async fn fill(&mut self, context: &Context, signer: &Pubkey) -> Result<(), Failure> {
        let wallet = Wallet { context, address: *signer };
        let mut parts = self.parts.clone();
        let unknown = parts.iter_mut().filter(|part| self.direction.pays() && part.wanted == Wanted::All);
        for part in unknown {
            let record = self.record(part);
            let owed = self.owed_soon(part.asset).filter(|_| is_native(record) && !context.is_shared());
            part.wanted = Wanted::Native(match owed {
                Some(owed) if self.direction == Move::Repay && owed > 0 => owed,
                _ => wallet.all(record).await?,
            });
        }
        self.parts = parts;
        Ok(())
    }

    /// What the vault will owe of an asset when the transaction lands, native units rounded up.
    fn owed_soon(&self, asset: u8) -> Option<u64> {
        let (vault, record) = (self.chosen.vault.as_ref()?, self.market.market.listed().get(usize::from(asset))?);
        let pool = record.accrued_pool(self.market.now.saturating_add(LANDING));
        Some(vault.holding(asset).amount(&pool).ok()?.get())
    }

    async fn foresee(&self, context: &Context, vault: &Vault, refresh: Refresh) -> Result<Foreseen, Failure> {
        // Without debts no price is asked for.
        let risky = self.direction == Move::Borrow || (self.direction == Move::Withdraw && vault.has_debt());
        let refresh = if risky { refresh } else { Refresh::Never };
        let assets: Vec<u8> = self.parts.iter().map(|part| part.asset).collect();
        let fresh = refreshed(context, self.market, vault, &assets, refresh).await?;
        let mut stage = stage(context, &fresh.market, vault, self.market.now, &assets).await?;
        stage.guard = self.guard;
        let moves: Vec<(Move, Part)> = self.parts.iter().map(|part| (self.direction, *part)).collect();
        let (preview, after, _) = foresee(stage, &[], &moves)?;
        let mut lines = changes(&after.market, &preview);
        lines.extend(preview.refusal().map(|refusal| format!("  THE PROGRAM REFUSES THIS: {refusal}")));
        Ok(Foreseen { fresh, preview, lines })
    }

    /// All instructions but a refresh, with a line about each for the one who is about to sign.
    async fn instructions(
        &self,
        context: &Context,
        signer: &Pubkey,
        foreseen: Option<&Foreseen>,
    ) -> Result<(Vec<Instruction>, Vec<String>), Failure> {
        let (wallet, payer) = (Wallet { context, address: *signer }, context.fee_payer()?.pubkey());
        let (mut instructions, mut lines) = (vec![], vec![]);
        for (at, part) in self.parts.iter().enumerate() {
            let record = self.record(part);
            let wrapping = match part.wanted {
                Wanted::Native(amount) if self.direction.pays() => {
                    let owed = self.owed_soon(part.asset).filter(|_| self.direction == Move::Repay);
                    wallet.pays(record, owed.map_or(amount, |owed| owed.min(amount))).await?
                }
                _ if !self.direction.pays() && !self.keep_wrapped && self.chosen.owner == *signer => {
                    wallet.gets(record).await?
                }
                _ => Wrapping::default(),
            };
            instructions.extend(wrapping.before);
            instructions.extend(self.instruction(*part, signer, &payer)?);
            instructions.extend(wrapping.after);
            let moved = foreseen.and_then(|foreseen| moved(&foreseen.preview, at));
            lines.push(self.line(at, moved));
            lines.extend(wrapping.line);
        }
        Ok((instructions, lines))
    }

    fn line(&self, at: usize, moved: Option<u64>) -> String {
        let (verb, vault) = (self.direction.verb(), self.chosen.address);
        let record = self.record(&self.asked[at]);
        let text = |amount| decimal(amount, record.decimals);
        let amount = match (self.asked[at].wanted, moved) {
            (Wanted::Native(asked), Some(moved)) if asked != moved => {
                format!("{} of {} asked for,", text(moved), text(asked))
            }
            (Wanted::All, Some(moved)) if self.direction.pays() => text(moved),
            (Wanted::Native(asked), _) => text(asked),
            (Wanted::All, _) => "all".to_owned(),
        };
        format!("{verb} {amount} {}, vault {vault}", name(&record.name))
    }

    fn amounts(&self, preview: Option<&Preview>) -> Vec<MovedPart> {
        let part = |(at, asked): (usize, &Part)| {
            let record = self.record(asked);
            let asked = match asked.wanted {
                Wanted::Native(amount) => Some(amount),
                Wanted::All => None,
            };
            let moves = preview.map_or(asked, |preview| moved(preview, at));
            let [asked, tokens] = [asked, moves].map(|amount| amount.map(|amount| Tokens::of(record, amount)));
            MovedPart { asset: name(&record.name), asked, tokens }
        };
        self.asked.iter().enumerate().map(part).collect()
    }

    /// The instruction of one part, after the creation of the token account that it pays into.
    fn instruction(
        &self,
        Part { asset, wanted }: Part,
        signer: &Pubkey,
        payer: &Pubkey,
    ) -> Result<Vec<Instruction>, Failure> {
        let Chosen { address, owner, .. } = self.chosen;
        let reference = self.market.reference().guarded(self.guard);
        let record = &self.market.market.assets[usize::from(asset)];
        let account = || token::create(payer, owner, &record.mint, &record.token_program());
        Ok(match (self.direction, wanted) {
            (Move::Deposit, Wanted::Native(amount)) => vec![reference.deposit(signer, address, asset, amount)],
            (Move::Repay, Wanted::Native(amount)) => vec![reference.repay(signer, address, asset, amount)],
            (Move::Borrow, Wanted::Native(amount)) => {
                vec![account(), reference.borrow_for(signer, owner, address, asset, amount)]
            }
            (Move::Withdraw, wanted) => {
                let amount = match wanted {
                    Wanted::Native(amount) => Some(amount),
                    Wanted::All => None,
                };
                vec![account(), reference.withdraw_for(signer, owner, address, asset, amount)]
            }
            (Move::Deposit | Move::Repay | Move::Borrow, Wanted::All) => {
                let (asset, verb) = (name(&record.name), self.direction.verb());
                return Err(Failure::usage(format!("say how much {asset} to {verb}")));
            }
        })
    }
}

/// What one of the actions moves.
fn moved(preview: &Preview, at: usize) -> Option<u64> {
    preview.outcomes.get(at)?.flows.first().map(|flow| flow.tokens)
}
