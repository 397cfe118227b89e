//! Changes of a market: set-up, tightening, proposals, roles, pauses.

use anchor_lang::prelude::Pubkey;
use anchor_lang::solana_program::instruction::Instruction;
use anchor_lang::{AnchorDeserialize, AnchorSerialize, Discriminator};
use ballast::ID;
use ballast::state::change::{Edit, Proposal, Written};
use ballast::state::pause::Pausable;
use ballast::state::{Asset, Change, Market, Role, Source, parameters};
use ballast_risk::table::{Parameter, Scope};
use solana_sha256_hasher::hashv;

use crate::instruction::{INSTRUCTIONS, build};

/// The value of a parameter in an asset; `None` for one of the market.
pub fn value(asset: &Asset, parameter: Parameter) -> Option<u64> {
    (parameter.scope() == Scope::Asset).then(|| parameters::read(bytemuck::bytes_of(asset), parameter))?
}

/// The value of a parameter of the market itself; `None` for one of an asset.
pub fn market_value(market: &Market, parameter: Parameter) -> Option<u64> {
    (parameter.scope() == Scope::Market).then(|| parameters::read(bytemuck::bytes_of(market), parameter))?
}

/// The edits that lead from the present values to others, in the order that the program asks for.
fn edits(present: impl Fn(Parameter) -> Option<u64>, values: &[(Parameter, u64)]) -> Vec<Edit> {
    let edit = |(parameter, to): &(Parameter, u64)| {
        let from = present(*parameter)?;
        (from != *to).then_some(Edit { parameter: parameter.code(), from, to: *to })
    };
    let mut edits: Vec<_> = values.iter().filter_map(edit).collect();
    edits.sort_by_key(|edit| edit.parameter);
    edits
}

/// New values of parameters of an asset, written against its present ones; what rises at `Target` and `Maint` takes `ramp`
/// seconds, at least the notice of the market. Nothing of an asset that is not listed: the program refuses its index.
pub fn parameters_of_asset(market: &Market, asset: u8, values: &[(Parameter, u64)], ramp: u32) -> Proposal {
    let present = |parameter| value(market.listed().get(usize::from(asset))?, parameter);
    Proposal::Parameters { asset: Some(asset), edits: edits(present, values), ramp }
}

/// New values of parameters of the market.
pub fn parameters_of_market(market: &Market, values: &[(Parameter, u64)]) -> Proposal {
    let edits = edits(|parameter| market_value(market, parameter), values);
    Proposal::Parameters { asset: None, edits, ramp: 0 }
}

/// Another source in a slot of an asset, written against the present one. An asset or a slot that does not exist has none, and
/// is refused by the program.
pub fn source(market: &Market, asset: u8, slot: u8, to: Source) -> Proposal {
    let record = market.listed().get(usize::from(asset));
    let present = record.and_then(|asset| asset.sources.get(usize::from(slot)).copied());
    Proposal::Source { asset, slot, from: present.unwrap_or(Source::NONE), to }
}

/// Another holder of a role, written against the present one.
pub fn role(market: &Market, role: Role, to: Pubkey) -> Proposal {
    Proposal::Role { role, from: *role.of(&market.roles), to }
}

fn written(proposal: Proposal) -> Written {
    Written::new(proposal).expect("writing to memory does not fail")
}

/// A change at once. `draft` for a model with rows.
pub fn apply(signer: &Pubkey, market: &Pubkey, draft: Option<Pubkey>, proposal: Proposal) -> Instruction {
    let accounts =
        ballast::accounts::ApplyChange { signer: *signer, market: *market, draft, instructions: INSTRUCTIONS };
    build(&accounts, &ballast::instruction::ApplyChange { proposal: written(proposal) })
}

/// Creates the account of a change (`rent` lamports, paid by `payer`) and proposes it. Both in one transaction, signed by
/// the change's key.
pub fn propose(
    payer: &Pubkey,
    governance: &Pubkey,
    market: &Pubkey,
    change: &Pubkey,
    rent: u64,
    proposal: Proposal,
) -> [Instruction; 2] {
    let space = Change::SPACE as u64;
    let accounts = ballast::accounts::ProposeChange {
        governance: *governance,
        market: *market,
        change: *change,
        instructions: INSTRUCTIONS,
    };
    [
        solana_system_interface::instruction::create_account(payer, change, rent, space, &ID),
        build(&accounts, &ballast::instruction::ProposeChange { proposal: written(proposal) }),
    ]
}

/// Seed of the address of a proposal: the same proposal to the same market has the same, whoever computes it.
pub fn seed(market: &Pubkey, proposal: &Proposal) -> String {
    let mut bytes = vec![];
    proposal.serialize(&mut bytes).expect("writing to memory does not fail");
    let digest = hashv(&[b"change", market.as_ref(), &bytes]).to_bytes();
    // The longest that the system program takes: 32 characters.
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Where a change of this seed is proposed by somebody. `None` for a seed of more than 32 bytes.
pub fn seeded_address(governance: &Pubkey, seed: &str) -> Option<Pubkey> {
    Pubkey::create_with_seed(governance, seed, &ID).ok()
}

/// Like [`propose`], at an address derived from governance, so that no further key signs: what a multi-signature needs.
/// `None` for a seed of more than 32 bytes.
pub fn propose_with_seed(
    payer: &Pubkey,
    governance: &Pubkey,
    market: &Pubkey,
    seed: &str,
    rent: u64,
    proposal: Proposal,
) -> Option<[Instruction; 2]> {
    let change = seeded_address(governance, seed)?;
    let space = Change::SPACE as u64;
    let create = solana_system_interface::instruction::create_account_with_seed;
    let [_, propose] = propose(payer, governance, market, &change, rent, proposal);
    Some([create(payer, &change, governance, seed, rent, space, &ID), propose])
}

/// The proposal in the bytes of `apply_change` or `propose_change`; `None` for other bytes, and for more than there should be.
pub fn proposal_of(data: &[u8]) -> Option<Proposal> {
    let heads = [ballast::instruction::ApplyChange::DISCRIMINATOR, ballast::instruction::ProposeChange::DISCRIMINATOR];
    let body = heads.iter().find_map(|head| data.strip_prefix(*head))?;
    Proposal::try_from_slice(body).ok()
}

/// Carries a change out. `draft` for a model with rows.
pub fn execute(market: &Pubkey, change: &Pubkey, proposer: &Pubkey, draft: Option<Pubkey>) -> Instruction {
    let accounts = ballast::accounts::ExecuteChange { market: *market, change: *change, proposer: *proposer, draft };
    build(&accounts, &ballast::instruction::ExecuteChange {})
}

pub fn cancel(signer: &Pubkey, market: &Pubkey, change: &Pubkey, proposer: &Pubkey) -> Instruction {
    let accounts =
        ballast::accounts::CancelChange { signer: *signer, market: *market, change: *change, proposer: *proposer };
    build(&accounts, &ballast::instruction::CancelChange {})
}

fn by_role(signer: &Pubkey, market: &Pubkey) -> ballast::accounts::ByRole {
    ballast::accounts::ByRole { signer: *signer, market: *market }
}

fn governing(signer: &Pubkey, market: &Pubkey) -> ballast::accounts::Governing {
    ballast::accounts::Governing { signer: *signer, market: *market, instructions: INSTRUCTIONS }
}

pub fn accept_role(signer: &Pubkey, market: &Pubkey, role: Role) -> Instruction {
    build(&governing(signer, market), &ballast::instruction::AcceptRole { role })
}

/// Ends the set-up of a market.
pub fn open_market(governance: &Pubkey, market: &Pubkey) -> Instruction {
    build(&governing(governance, market), &ballast::instruction::OpenMarket {})
}

/// For `seconds`, at most a day.
pub fn pause(signer: &Pubkey, market: &Pubkey, paused: Pausable, seconds: u32) -> Instruction {
    build(&by_role(signer, market), &ballast::instruction::Pause { paused, seconds })
}

pub fn resume(signer: &Pubkey, market: &Pubkey, paused: Pausable) -> Instruction {
    build(&by_role(signer, market), &ballast::instruction::Resume { paused })
}

pub fn confirm_risk_model(signer: &Pubkey, market: &Pubkey) -> Instruction {
    build(&governing(signer, market), &ballast::instruction::ConfirmRiskModel {})
}
