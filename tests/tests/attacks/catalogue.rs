//! One good example of every instruction, for tests that change a slot of each.

use ballast_client::event::Action;
use ballast_client::model::set_haircuts;
use ballast_client::{Draft, ID, Market, Scenarios, instruction};
use ballast_tests::assets;
use ballast_tests::fixture::DUST;
use ballast_tests::governance::{moves, one_factor, worst_of};
use ballast_tests::slots::*;
use ballast_tests::*;
use solana_instruction::Instruction;

/// An instruction that succeeds as it is.
pub struct Example {
    pub name: &'static str,
    pub slots: &'static [&'static str],
    pub instruction: Instruction,
    signers: Vec<Keypair>,
}

fn example(
    name: &'static str,
    slots: &'static [&'static str],
    instruction: Instruction,
    signers: &[&Keypair],
) -> Example {
    let signers = signers.iter().map(|key| key.insecure_clone()).collect();
    Example { name, slots, instruction, signers }
}

/// A market in which every instruction can succeed.
pub struct Scene {
    pub market: Fixture,
    pub foreign: Fixture,
    /// Has SOL and ETH, owes USDC; has an empty vault as well.
    pub alice: Actor,
    /// Has a wallet, and a vault that was emptied.
    pub bob: Actor,
    /// Has LST, owes USDC, can be liquidated.
    pub victim: Actor,
    fee_payer: Keypair,
}

impl Scene {
    pub fn new() -> Self {
        let market = Fixture::new().stocked();
        let foreign = market.foreign_market();
        let alice = market.actor("alice", &[sol("200"), eth("2"), usdc("1000")]);
        alice.deposits(sol("100")).unwrap();
        alice.deposits(eth("1")).unwrap();
        alice.borrows(usdc("1000")).unwrap();
        alice.with_vault(2).opens_vault().unwrap();
        let abroad = foreign.actor("alice", &[]);
        abroad.deposits(sol("1")).unwrap();
        let victim = market.actor("victim", &[lst("100")]);
        victim.deposits(lst("100")).unwrap();
        victim.borrows(usdc("10000")).unwrap();
        let bob = market.actor("bob", &[usdc("50000"), sol("50"), lst("1")]);
        market.price_moves("LST", "115");
        foreign.refreshes_all();
        market.mints(&assets::token("P08"));
        market.writes_data(&blank_account(), &ID, vec![0; Market::SPACE]);
        market.writes_data(&blank_draft(), &ID, vec![0; Draft::SPACE]);
        drafts(&market, &foreign);
        let fee_payer = key("fee payer");
        market.gives_lamports(&fee_payer.pubkey());
        Self { market, foreign, alice, bob, victim, fee_payer }
    }

    pub fn examples(&self) -> Vec<Example> {
        let mut examples = self.everyday_examples();
        examples.extend(self.model_examples());
        examples
    }

    fn everyday_examples(&self) -> Vec<Example> {
        let Self { market, alice, bob, victim, .. } = self;
        let governance = market.governance();
        let create = instruction::create_market(&bob.address(), &blank_account(), &governance.pubkey(), 1, DUST);
        let open = instruction::open_vault(&alice.address(), &bob.address(), &market.market_address(), 7);
        let empty = alice.with_vault(2).vault_address();
        let close = instruction::close_vault(&alice.address(), &empty, &bob.address());
        let alices = |name, slots, action, money| example(name, slots, alice.instruction(action, money), &[&alice.key]);
        vec![
            example("create_market", CREATE_MARKET, create[1].clone(), &[&key("another market"), &governance]),
            example(
                "list_asset",
                LIST_ASSET,
                market.list_instruction(&assets::token("P08")),
                &[&governance, &market.payer()],
            ),
            example("refresh_prices", REFRESH_PRICES, market.refresh_instruction(&["SOL"]), &[]),
            example("open_vault", OPEN_VAULT, open, &[&alice.key, &bob.key]),
            example("close_vault", CLOSE_VAULT, close, &[&alice.key]),
            alices("deposit", PAY_IN, Action::Deposit, sol("1")),
            alices("repay", PAY_IN, Action::Repay, usdc("1")),
            alices("withdraw", PAY_OUT, Action::Withdraw, sol("1")),
            alices("borrow", PAY_OUT, Action::Borrow, usdc("1")),
            example("liquidate", LIQUIDATE, bob.liquidate(victim, usdc("100"), "LST"), &[&bob.key]),
            example(
                "view_health",
                VIEW_HEALTH,
                market.builds(|market| market.view_health(&alice.vault_address())),
                &[],
            ),
        ]
    }

    fn model_examples(&self) -> Vec<Example> {
        let Self { market, bob, .. } = self;
        let (governance, quant, address) = (market.governance(), key("quant"), market.market_address());
        let drafting = market.drafting("quant");
        let opening = client::model::Drafting { author: bob.address(), draft: blank_draft(), ..drafting };
        let [_, open] = opening.open(0);
        let haircuts = set_haircuts(&governance.pubkey(), &address, 0, [1 << 30; 3], [1 << 28; 3], 1_000);
        let loadings = drafting.write_loadings(&[[0; 7]; 8]).remove(0);
        let shocks = drafting.write_shocks(&[[0; 8]; 8]).remove(0);
        let model = drafting.set_risk_model(one_factor([200; 3], 5_000), &[[0; 7]; 8]);
        let scenarios = drafting.set_scenarios(Scenarios { tail: 2, ..worst_of(2, [100; 3]) }, &[[0; 8]; 8]);
        vec![
            example("set_haircuts", GOVERN, haircuts, &[&governance]),
            example("open_draft", OPEN_DRAFT, open, &[&bob.key, &key("another draft")]),
            example("write_loadings", DRAFT, loadings, &[&quant]),
            example("write_shocks", DRAFT, shocks, &[&quant]),
            example("close_draft", DRAFT, drafting.close(), &[&quant]),
            example("set_risk_model", TAKE_OVER, model, &[&governance]),
            example("set_scenarios", TAKE_OVER, scenarios, &[&governance]),
            example("confirm_risk_model", GOVERN, drafting.confirm_risk_model(), &[&governance]),
        ]
    }

    /// What would become of an example that was changed; the fee is paid by nobody whom the instruction names.
    pub fn tries(&self, example: &Example, changed: &Instruction, strangers: &[&Keypair]) -> Outcome {
        let needed: Vec<_> = changed.accounts.iter().filter(|meta| meta.is_signer).map(|meta| meta.pubkey).collect();
        let known = example.signers.iter().chain(strangers.iter().copied());
        let mut signers = vec![&self.fee_payer];
        for key in known.filter(|key| needed.contains(&key.pubkey())) {
            if !signers.iter().any(|other| other.pubkey() == key.pubkey()) {
                signers.push(key);
            }
        }
        self.market.simulates(std::slice::from_ref(changed), &signers)
    }
}

/// An account of the program that is no market yet.
pub fn blank_account() -> Pubkey {
    ballast_tests::address("another market")
}

/// An account of the program that is no draft yet.
pub fn blank_draft() -> Pubkey {
    ballast_tests::address("another draft")
}

/// Quant has drafted rows, bob the same ones, and quant others for the foreign market. The model that is on decides as
/// haircuts alone would: nothing moves, and all of the haircuts count.
fn drafts(market: &Fixture, foreign: &Fixture) {
    market.nets(&one_factor([100; 3], 10_000), |_| moves(0, 0));
    market.stresses(&worst_of(1, [0; 3]), |_| Default::default());
    market.opens_draft("bob").unwrap();
    market.writes_loadings("bob", &[[0; 7]; 8]);
    market.writes_shocks("bob", &[[0; 8]; 8]);
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
