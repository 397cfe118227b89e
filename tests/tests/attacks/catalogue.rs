//! One good example of every instruction, for tests that change a slot of each.

use std::collections::BTreeMap;

use ballast_client::event::Action;
use ballast_client::table::Parameter;
use ballast_client::{Change, Draft, ID, Market, Pausable, Proposal, Role, Scopes, SourceKind, change, instruction};
use ballast_tests::assets::{Feed, WHOLE};
use ballast_tests::fixture::DELAY;
use ballast_tests::governance::{moves, one_factor, stressed, worst_of};
use ballast_tests::slots::*;
use ballast_tests::*;
use solana_instruction::Instruction;

const REFRESH_BOTH: &[&str] = &["market", "oracle", "second_oracle"];
const OBSERVE_CANDIDATE: &[&str] = &["market", "oracle"];
/// Of `pause` and `resume`.
const BY_ROLE: &[&str] = &["signer", "market"];
/// Of `open_market`, `accept_role` and `confirm_risk_model`.
const GOVERNING: &[&str] = &["signer", "market", "instructions"];
const APPLY_CHANGE: &[&str] = &["signer", "market", "draft", "instructions"];
const PROPOSE_CHANGE: &[&str] = &["governance", "market", "change", "instructions"];
const EXECUTE_CHANGE: &[&str] = &["market", "change", "proposer", "draft"];
const CANCEL_CHANGE: &[&str] = &["signer", "market", "change", "proposer"];

/// An instruction that succeeds as it is, between those that it needs in its transaction.
pub struct Example {
    pub name: &'static str,
    pub slots: &'static [&'static str],
    pub before: Vec<Instruction>,
    pub instruction: Instruction,
    pub after: Vec<Instruction>,
    signers: Vec<Keypair>,
}

impl Example {
    fn within(self, before: &[Instruction], after: &[Instruction]) -> Self {
        Self { before: before.to_vec(), after: after.to_vec(), ..self }
    }

    /// The key in a slot.
    pub fn key(&self, slot: &str) -> Option<Pubkey> {
        let at = self.slots.iter().position(|name| *name == slot)?;
        Some(self.instruction.accounts[at].pubkey)
    }
}

fn example(
    name: &'static str,
    slots: &'static [&'static str],
    instruction: Instruction,
    signers: &[&Keypair],
) -> Example {
    let signers = signers.iter().map(|key| key.insecure_clone()).collect();
    Example { name, slots, before: vec![], instruction, after: vec![], signers }
}

/// A market in which every instruction can succeed.
pub struct Scene {
    pub market: Fixture,
    pub foreign: Fixture,
    /// Has SOL and ETH, owes USDC. Has an empty vault as well, and one with LST that owes USDC, which is offered to bob.
    pub alice: Actor,
    /// Has a wallet, and a vault that was emptied.
    pub bob: Actor,
    /// Has LST, owes USDC, can be liquidated.
    pub victim: Actor,
    /// Owes USDC and has nothing.
    pub ruined: Actor,
    pub guardian: Keypair,
    fee_payer: Keypair,
}

impl Scene {
    pub fn new() -> Self {
        let market = set_up().stocked();
        let foreign = market.foreign_market();
        let alice = market.actor("alice", &[sol("200"), eth("2"), usdc("1000")]);
        alice.deposits(sol("100")).unwrap();
        alice.deposits(eth("1")).unwrap();
        alice.borrows(usdc("1000")).unwrap();
        alice.with_vault(2).opens_vault().unwrap();
        let offered = alice.with_vault(OFFERED);
        offered.opens_vault().unwrap();
        offered.is_given(lst("10"));
        offered.deposits(lst("10")).unwrap();
        offered.borrows(usdc("1000")).unwrap();
        offered.offers_vault(&ballast_tests::address("bob")).unwrap();
        let abroad = foreign.actor("alice", &[]);
        abroad.deposits(sol("1")).unwrap();
        let victim = market.actor("victim", &[lst("100")]);
        victim.deposits(lst("100")).unwrap();
        victim.borrows(usdc("10000")).unwrap();
        let ruined = market.actor("ruined", &[lst("10")]);
        ruined.deposits(lst("10")).unwrap();
        ruined.borrows(usdc("100")).unwrap();
        let (index, shares) = (usize::from(market.index("LST")), ruined.holding("LST").shares.get());
        market.tampers_with_market(|market| market.assets[index].deposit_shares -= shares);
        market.tampers_with_vault(&ruined.vault_address(), |vault| {
            let debt = *vault.used().iter().find(|position| position.side == 1).expect("a debt");
            vault.positions = bytemuck::Zeroable::zeroed();
            (vault.positions[0], vault.position_count) = (debt, 1);
        });
        let bob = market.actor("bob", &[usdc("50000"), sol("50"), lst("1")]);
        market.mints(&assets::token("P08"));
        for (name, space) in [("market", Market::SPACE), ("draft", Draft::SPACE), ("change", Change::SPACE)] {
            market.writes_data(&blank(name), &ID, vec![0; space]);
        }
        drafts(&market, &foreign);
        foreign.proposes("abroad", foreign.values_of("SOL", &[(Parameter::DebtCap, 1)])).unwrap();
        market.proposes("due", due(&market)).unwrap();
        market.proposes("waiting", market.values_of("SOL", &[(Parameter::DebtCap, 1)])).unwrap();
        market.proposes("candidate", market.source_of("ETH", 0, &rival())).unwrap();
        market.advances(2 * DELAY as i64);
        market.executes("candidate").unwrap();
        market.refreshes_all();
        market.price_moves("LST", "115");
        foreign.refreshes_all();
        market.feed_publishes(&rival(), &market.token("ETH").mint, &oracle::published("3000", market.now()));
        let fee_payer = key("fee payer");
        market.gives_lamports(&fee_payer.pubkey());
        let guardian = market.holder(Role::Guardian);
        Self { market, foreign, alice, bob, victim, ruined, guardian, fee_payer }
    }

    pub fn examples(&self) -> Vec<Example> {
        let mut examples = self.everyday_examples();
        examples.extend(self.paired_examples());
        examples.extend(self.vault_examples());
        examples.extend(self.draft_examples());
        examples.extend(self.governance_examples());
        examples
    }

    fn everyday_examples(&self) -> Vec<Example> {
        let Self { market, alice, bob, victim, ruined, .. } = self;
        let open = instruction::open_vault(&alice.address(), &bob.address(), &market.market_address(), 7);
        let empty = alice.with_vault(2).vault_address();
        let close = instruction::close_vault(&alice.address(), &empty, &bob.address());
        let alices = |name, slots, action, money| example(name, slots, alice.instruction(action, money), &[&alice.key]);
        let observe = instruction::observe_candidate(&market.market_address(), market.index("ETH"), &rival().oracle);
        let view = market.builds(|market| market.view_health(&alice.vault_address()));
        let absorb = market.builds(|market| market.absorb_bad_debt(&ruined.vault_address()));
        let fund = market.builds(|at| at.fund_reserve(&bob.address(), market.index("USDC"), 1));
        vec![
            example("refresh_prices", REFRESH_BOTH, market.refresh_instruction(&["BTC"]), &[]),
            example("observe_candidate", OBSERVE_CANDIDATE, observe, &[]),
            example("open_vault", OPEN_VAULT, open, &[&alice.key, &bob.key]),
            example("close_vault", CLOSE_VAULT, close, &[&alice.key]),
            alices("deposit", PAY_IN, Action::Deposit, sol("1")),
            alices("repay", PAY_IN, Action::Repay, usdc("1")),
            alices("withdraw", PAY_OUT, Action::Withdraw, sol("1")),
            alices("borrow", PAY_OUT, Action::Borrow, usdc("1")),
            example("liquidate", LIQUIDATE, bob.liquidate(victim, usdc("100"), "LST"), &[&bob.key]),
            example("view_health", VIEW_HEALTH, view, &[]),
            example("liquidate_into", LIQUIDATE_INTO, alice.take_over(victim, usdc("100"), "LST"), &[&alice.key]),
            example("absorb_bad_debt", ABSORB_BAD_DEBT, absorb, &[]),
            example("fund_reserve", PAY_POOL, fund, &[&bob.key]),
        ]
    }

    /// Those of which a transaction needs two or more.
    fn paired_examples(&self) -> Vec<Example> {
        let Self { bob, victim, .. } = self;
        let [borrow, bring_back] = bob.flash_loan(usdc("1000"));
        let [begin, end] = bob.receivership(victim);
        let (seize, repay) = (bob.seize(victim, lst("1")), bob.repay_for(victim, usdc("200")));
        let bobs = |name, slots, instruction: &Instruction| example(name, slots, instruction.clone(), &[&bob.key]);
        let [first, last] = [&borrow, &bring_back].map(std::slice::from_ref);
        vec![
            bobs("flash_borrow", FLASH_BORROW, &borrow).within(&[], last),
            bobs("flash_repay", PAY_POOL, &bring_back).within(first, &[]),
            bobs("begin_liquidation", BEGIN_LIQUIDATION, &begin).within(&[], std::slice::from_ref(&end)),
            bobs("seize", PAY_OUT, &seize).within(std::slice::from_ref(&begin), &[repay, end.clone()]),
            bobs("end_liquidation", END_LIQUIDATION, &end).within(&[begin], &[]),
        ]
    }

    fn vault_examples(&self) -> Vec<Example> {
        let Self { market, alice, bob, .. } = self;
        let (mine, offered) = (alice.vault_address(), alice.with_vault(OFFERED).vault_address());
        let delegate = instruction::set_delegate(&alice.address(), &mine, bob.address(), Scopes::default(), u64::MAX);
        let offer = market.builds(|market| market.transfer_vault(&alice.address(), &mine, bob.address()));
        let accept = market.builds(|market| market.accept_vault(&bob.address(), &offered));
        vec![
            example("set_delegate", SET_DELEGATE, delegate, &[&alice.key]),
            example("transfer_vault", TRANSFER_VAULT, offer, &[&alice.key]),
            example("accept_vault", TRANSFER_VAULT, accept, &[&bob.key]),
        ]
    }

    fn draft_examples(&self) -> Vec<Example> {
        let Self { market, bob, .. } = self;
        let (quant, drafting) = (key("quant"), market.drafting("quant"));
        let opening = client::model::Drafting { author: bob.address(), draft: blank("draft"), ..drafting };
        let [_, open] = opening.open(0);
        let loadings = drafting.write_loadings(&[[0; 7]; 8]).remove(0);
        let shocks = drafting.write_shocks(&[[0; 8]; 8]).remove(0);
        vec![
            example("open_draft", OPEN_DRAFT, open, &[&bob.key, &key("another draft")]),
            example("write_loadings", DRAFT, loadings, &[&quant]),
            example("write_shocks", DRAFT, shocks, &[&quant]),
            example("close_draft", DRAFT, drafting.close(), &[&quant]),
        ]
    }

    fn governance_examples(&self) -> Vec<Example> {
        let Self { market, .. } = self;
        let (address, sol) = (market.market_address(), Pausable::Asset(0));
        let [governance, guardian, steward] = Role::ALL.map(|role| market.holder(role));
        let [ours, watcher, heir] = [governance.pubkey(), guardian.pubkey(), key("heir").pubkey()];
        let create = instruction::create_market(&ours, &blank("market"), [ours, watcher, heir], 1);
        let list = market.list_instruction(&assets::token("P08"));
        let tightening = market.values_of("SOL", &[(Parameter::HaircutInit, WHOLE)]);
        let apply = change::apply(&watcher, &address, None, tightening.clone());
        let propose = change::propose(&ours, &ours, &address, &blank("change"), 1, tightening);
        let draft = Some(market.drafting("quant").draft);
        let execute = change::execute(&address, &market.change("due"), &ours, draft);
        let cancel = change::cancel(&watcher, &address, &market.change("waiting"), &ours);
        let by_role = |name, instruction, signer: &Keypair| example(name, BY_ROLE, instruction, &[signer]);
        let governing = |name, instruction, signer: &Keypair| example(name, GOVERNING, instruction, &[signer]);
        vec![
            example("create_market", CREATE_MARKET, create[1].clone(), &[&key("another market"), &governance]),
            example("list_asset", LIST_ASSET, list, &[&governance, &market.payer()]),
            governing("open_market", change::open_market(&ours, &young_market()), &governance),
            example("apply_change", APPLY_CHANGE, apply, &[&guardian]),
            example("propose_change", PROPOSE_CHANGE, propose[1].clone(), &[&governance]),
            example("execute_change", EXECUTE_CHANGE, execute, &[]),
            example("cancel_change", CANCEL_CHANGE, cancel, &[&guardian]),
            governing("accept_role", change::accept_role(&heir, &address, Role::Steward), &key("heir")),
            by_role("pause", change::pause(&watcher, &address, sol, 60), &guardian),
            by_role("resume", change::resume(&watcher, &address, sol), &guardian),
            governing("confirm_risk_model", change::confirm_risk_model(&steward.pubkey(), &address), &steward),
        ]
    }

    /// What would become of an example that was changed, between the instructions that it needs; the fee is paid by nobody
    /// whom it names.
    pub fn tries(&self, example: &Example, changed: &Instruction, strangers: &[&Keypair]) -> Outcome {
        let all = [&example.before, std::slice::from_ref(changed), &example.after].concat();
        self.tries_all(example, &all, strangers)
    }

    /// The same, without the instructions that it needs. What the framework refuses it refuses before any of them is missed,
    /// and they would sign and write for it: both count for a whole transaction.
    pub fn tries_alone(&self, example: &Example, changed: &Instruction) -> Outcome {
        self.tries_all(example, std::slice::from_ref(changed), &[])
    }

    /// What would become of a transaction around an example.
    pub fn tries_all(&self, example: &Example, all: &[Instruction], strangers: &[&Keypair]) -> Outcome {
        self.market.simulates(all, &self.signers(example, all, strangers))
    }

    /// Who signs a transaction around an example, of those who can.
    pub fn signers<'a>(
        &'a self,
        example: &'a Example,
        all: &[Instruction],
        strangers: &[&'a Keypair],
    ) -> Vec<&'a Keypair> {
        let metas = all.iter().flat_map(|instruction| &instruction.accounts);
        let needed: Vec<_> = metas.filter(|meta| meta.is_signer).map(|meta| meta.pubkey).collect();
        let known = example.signers.iter().chain(strangers.iter().copied());
        let mut signers = vec![&self.fee_payer];
        for key in known.filter(|key| needed.contains(&key.pubkey())) {
            if !signers.iter().any(|other| other.pubkey() == key.pubkey()) {
                signers.push(key);
            }
        }
        signers
    }
}

/// Alice's vault that is offered to bob.
pub const OFFERED: u16 = 3;

/// An account of the program that is no market, draft or change yet.
pub fn blank(name: &str) -> Pubkey {
    ballast_tests::address(&format!("another {name}"))
}

/// A market that is being set up still.
pub fn young_market() -> Pubkey {
    ballast_tests::address("young market")
}

/// The second source of BTC.
pub fn checker() -> Feed {
    Feed::new("BTC at Switchboard", SourceKind::SwitchboardPull, "60000")
}

/// The candidate of ETH.
pub fn rival() -> Feed {
    Feed::new("ETH at Switchboard", SourceKind::SwitchboardPull, "3000")
}

/// The standard market with a second source, somebody named for a role, and a model that decides as haircuts
/// alone would: hardly anything moves, and all of the haircuts count. Not open yet.
fn set_up() -> Fixture {
    let tokens = assets::tokens(assets::STANDARD.len()).into_iter();
    let market = Fixture::of(
        tokens.map(|token| if token.symbol == "BTC" { token.checked_by(checker()) } else { token }).collect(),
    );
    market.applies(Role::Governance, change::role(&market.market(), Role::Steward, key("heir").pubkey())).unwrap();
    let model = stressed(one_factor([100; 3], 10_000), worst_of(1, [0; 3]));
    market.models(&model, |_| moves(1, 0));

    let (governance, payer) = (market.governance(), market.payer());
    let rent = market.world().svm.minimum_balance_for_rent_exemption(Market::SPACE);
    let roles = [governance.pubkey(); 3];
    let young = instruction::create_market(&payer.pubkey(), &young_market(), roles, rent);
    market.sends(&young, &[&payer, &key("young market"), &governance]).unwrap();
    market
}

/// A change that takes rows from a draft.
fn due(market: &Fixture) -> Proposal {
    let model = stressed(one_factor([200; 3], 5_000), worst_of(1, [100; 3]));
    let (loadings, shocks) = (market.loadings(|_| moves(1, 0)), market.shocks(|_| Default::default()));
    market.drafting("quant").proposal(&market.market(), model, &loadings, &shocks)
}

/// Quant has drafted rows already; bob drafts the same ones, and quant others for the foreign market.
fn drafts(market: &Fixture, foreign: &Fixture) {
    market.opens_draft("bob").unwrap();
    market.writes_loadings("bob", &market.loadings(|_| moves(1, 0)));
    market.writes_shocks("bob", &market.shocks(|_| Default::default()));
    let abroad = foreign.drafting("quant");
    let rent = market.world().svm.minimum_balance_for_rent_exemption(Draft::SPACE);
    let open = client::model::Drafting { draft: ballast_tests::address("draft abroad"), ..abroad }.open(rent);
    market.sends(&open, &[&key("quant"), &key("draft abroad")]).unwrap();
}

#[test]
fn every_example_succeeds() {
    let scene = Scene::new();
    for example in scene.examples() {
        let outcome = scene.tries(&example, &example.instruction, &[]);
        assert!(outcome.is_ok(), "{}: {outcome:#?}", example.name);
        assert!(example.slots.len() == example.instruction.accounts.len(), "{} has other slots", example.name);
    }
}

/// Or an instruction that was added would go untried.
#[test]
fn every_instruction_of_the_idl_has_an_example_with_its_slots() {
    let idl: serde_json::Value = serde_json::from_str(include_str!("../../../idl/ballast.json")).unwrap();
    let text = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let slots =
        |instruction: &serde_json::Value| instruction["accounts"].as_array().unwrap().iter().map(text).collect();
    let instructions = idl["instructions"].as_array().unwrap();
    let expected: BTreeMap<String, Vec<String>> =
        instructions.iter().map(|instruction| (text(instruction), slots(instruction))).collect();
    let scene = Scene::new();
    let known = scene.examples().into_iter().map(|example| {
        // The list of oracles is not part of its accounts.
        let named = if example.name == "refresh_prices" { 1 } else { example.slots.len() };
        (example.name.to_owned(), example.slots[..named].iter().map(|slot| (*slot).to_owned()).collect())
    });
    assert_eq!(known.collect::<BTreeMap<_, Vec<_>>>(), expected);
}
