//! What each instruction does while something is open, paused, tripped, frozen or lost: a row for each instruction, a column
//! for each state, every cell tried. This does not compile unless it has as many rows as the interface has instructions.

use ballast_client::risk::breaker::State;
use ballast_client::{BallastError, Pausable, StateView, account, change, snapshot};
use ballast_tests::outcome::token_fault::ACCOUNT_FROZEN;
use ballast_tests::*;
use solana_instruction::Instruction;

use crate::catalogue::{Example, OFFERED, Scene};

/// What an instruction may find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// It stands between the legs of a flash loan.
    FlashLoan,
    /// It stands between the ends of a receivership of the vault that it names; of any vault if it names none.
    ReceivershipOfIt,
    /// The same of another vault of the market.
    ReceivershipOfAnother,
    BorrowPaused,
    WithdrawPaused,
    /// All assets are.
    AssetPaused,
    /// The breakers of all assets have tripped.
    Cautious,
    ReduceOnly,
    /// All custody accounts are frozen by their issuers.
    CustodyFrozen,
    /// The vault that it names owes more than it has.
    Insolvent,
}

/// What becomes of an instruction in a state.
#[derive(Clone, Copy)]
enum Cell {
    Allowed,
    Refused(BallastError),
    /// Refused by the token program.
    AccountFrozen,
}

impl Cell {
    fn fault(self) -> Option<Fault> {
        match self {
            Self::Allowed => None,
            Self::Refused(error) => Some(error.into()),
            Self::AccountFrozen => Some(ACCOUNT_FROZEN),
        }
    }
}

const OK: Cell = Cell::Allowed;
const ICE: Cell = Cell::AccountFrozen;
const OPEN: Cell = Cell::Refused(BallastError::ReceivershipOpen);
const FLASH: Cell = Cell::Refused(BallastError::FlashLoanOpen);
const PAIR: Cell = Cell::Refused(BallastError::UnmatchedPair);
const FIRST: Cell = Cell::Refused(BallastError::NotFirst);
const NONE: Cell = Cell::Refused(BallastError::NoReceivership);
const LOAN: Cell = Cell::Refused(BallastError::NoFlashLoan);
const PAUSED: Cell = Cell::Refused(BallastError::Paused);
const PRICE: Cell = Cell::Refused(BallastError::PriceUnusable);
const BELOW: Cell = Cell::Refused(BallastError::BelowInitMargin);
/// An empty vault is never under receivership.
const FINE: Cell = Cell::Refused(BallastError::VaultHealthy);

#[rustfmt::skip]
const TABLE: &[(&str, [Cell; 10])] = &[
    //                        flash   same    other   borrow  withdr  assets  cautio  reduce  frozen  insolv
    ("borrow",              [OK,     OPEN,   OPEN,   PAUSED, OK,     PRICE,  OK,     PRICE,  ICE,    BELOW]),
    ("withdraw",            [OK,     OPEN,   OPEN,   OK,     PAUSED, PRICE,  OK,     PRICE,  ICE,    BELOW]),
    ("deposit",             [OK,     OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     ICE,    OK]),
    ("repay",               [OK,     OK,     OPEN,   OK,     OK,     OK,     OK,     OK,     ICE,    OK]),
    ("liquidate",           [OK,     OPEN,   OPEN,   OK,     OK,     PRICE,  OK,     OK,     ICE,    OK]),
    ("liquidate_into",      [OK,     OPEN,   OPEN,   OK,     OK,     PRICE,  OK,     PRICE,  OK,     OK]),
    ("absorb_bad_debt",     [OK,     OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("begin_liquidation",   [FIRST,  PAIR,   PAIR,   OK,     OK,     PRICE,  OK,     OK,     OK,     OK]),
    ("seize",               [NONE,   OK,     NONE,   OK,     OK,     PRICE,  OK,     OK,     ICE,    OK]),
    ("end_liquidation",     [NONE,   OK,     PAIR,   OK,     OK,     PRICE,  OK,     OK,     OK,     OK]),
    ("flash_borrow",        [PAIR,   OPEN,   OPEN,   PAUSED, OK,     PAUSED, OK,     OK,     ICE,    OK]),
    ("flash_repay",         [OK,     LOAN,   LOAN,   OK,     OK,     OK,     OK,     OK,     ICE,    OK]),
    ("fund_reserve",        [OK,     OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     ICE,    OK]),
    ("refresh_prices",      [OK,     OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("observe_candidate",   [OK,     OPEN,   OPEN,    OK,     OK,     PRICE,  OK,     OK,     OK,     OK]),
    ("view_health",         [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("open_vault",          [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("close_vault",         [OK,     FINE,   OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("set_delegate",        [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("transfer_vault",      [FLASH,  OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("accept_vault",        [FLASH,  OPEN,   OPEN,   OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("create_market",       [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("list_asset",          [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("open_market",         [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("apply_change",        [OK,     OPEN,   OPEN,    OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("propose_change",      [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("execute_change",      [OK,     OPEN,   OPEN,    OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("cancel_change",       [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("accept_role",         [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("pause",               [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("resume",              [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("confirm_risk_model",  [OK,     OPEN,   OPEN,    OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("open_draft",          [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("write_loadings",      [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("write_shocks",        [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
    ("close_draft",         [OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK,     OK]),
];

const IDL: &str = include_str!("../../../idl/ballast.json");
const _: () = assert!(TABLE.len() == count(IDL.as_bytes(), b"\"args\": ["), "an instruction lacks its row");

/// How often a word stands in a text.
const fn count(text: &[u8], word: &[u8]) -> usize {
    let (mut at, mut found) = (0, 0);
    while at + word.len() <= text.len() {
        let mut same = 0;
        while same < word.len() && text[at + same] == word[same] {
            same += 1;
        }
        found += (same == word.len()) as usize;
        at += 1;
    }
    found
}

#[test]
fn the_rows_are_the_instructions() {
    let idl: serde_json::Value = serde_json::from_str(IDL).unwrap();
    let mut expected: Vec<_> = idl["instructions"].as_array().unwrap().iter().map(|row| row["name"].as_str()).collect();
    let mut rows: Vec<_> = TABLE.iter().map(|(name, _)| Some(*name)).collect();
    expected.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, expected);
}

/// Instructions that come into a state, and those that lead out of it.
type Around = [Vec<Instruction>; 2];

impl Scene {
    /// The vault that an instruction names, if it is one that has something.
    fn subject(&self, example: &Example) -> Option<Pubkey> {
        let vault = example.key("vault")?;
        let found = self.market.account(&vault)?;
        account::vault(&found.owner, &found.data).ok().map(|_| vault)
    }

    /// Lets the debts of a vault grow until the state is reached. Empty ones stay as they are.
    fn sinks(&self, vault: &Pubkey, reached: impl Fn(StateView) -> bool) {
        let now = self.market.now().unsigned_abs();
        for _ in 0..200 {
            if !self.market.vault(vault).has_debt()
                || reached(snapshot::health(&self.market.market(), &self.market.vault(vault), now).state)
            {
                return;
            }
            let mut more = (0, 0);
            self.market.tampers_with_vault(vault, |vault| {
                let debt = vault.positions.iter_mut().find(|held| held.side == 1).expect("a debt");
                more = (usize::from(debt.asset), debt.shares / 20 + 1);
                debt.shares += more.1;
            });
            self.market.tampers_with_market(|market| market.assets[more.0].debt_shares += more.1);
        }
        panic!("the vault does not sink so far");
    }

    fn receivership_of(&self, vault: &Pubkey) -> Around {
        self.market.builds(|at| at.receivership(&self.bob.address(), vault)).map(|end| vec![end])
    }

    /// A state that stands for longer than a transaction.
    fn enters(&self, column: Column) {
        let now = self.market.now().unsigned_abs();
        let trips = |state: State| {
            self.market.tampers_with_market(|market| {
                for asset in &mut market.assets[..usize::from(market.asset_count)] {
                    (asset.breaker, asset.breaker_until) = (state.code(), now + 3_600);
                    asset.volatility = asset.volatility.max(asset.caution);
                    asset.renew_windows(now);
                }
            });
        };
        match column {
            Column::BorrowPaused | Column::WithdrawPaused | Column::AssetPaused => {
                for pause in
                    self.pauses(column, &self.market.tokens().iter().map(|token| token.symbol).collect::<Vec<_>>())
                {
                    self.market.sends(&[pause], &[&self.market.payer(), &self.guardian]).unwrap();
                }
            }
            Column::Cautious => trips(State::Cautious),
            Column::ReduceOnly => trips(State::ReduceOnly),
            Column::CustodyFrozen => {
                for token in self.market.tokens() {
                    let custody = self.market.custody(token.symbol);
                    let mut frozen = self.market.account(&custody).unwrap();
                    // The state of a token account.
                    frozen.data[108] = 2;
                    self.market.writes(&custody, frozen);
                }
            }
            Column::FlashLoan | Column::ReceivershipOfIt | Column::ReceivershipOfAnother | Column::Insolvent => {}
        }
    }

    /// The guardian's instructions that lead into a column.
    fn pauses(&self, column: Column, symbols: &[&str]) -> Vec<Instruction> {
        let (guardian, market) = (self.guardian.pubkey(), self.market.market_address());
        let pause = |paused| change::pause(&guardian, &market, paused, 3_600);
        match column {
            Column::BorrowPaused => vec![pause(Pausable::Borrow)],
            Column::WithdrawPaused => vec![pause(Pausable::Withdraw)],
            Column::AssetPaused => {
                symbols.iter().map(|symbol| pause(Pausable::Asset(self.market.index(symbol)))).collect()
            }
            _ => vec![],
        }
    }

    /// The transaction that puts an example into a column.
    fn places(&self, column: Column, example: &Example) -> Vec<Instruction> {
        let Example { name, before, instruction, after, .. } = example;
        let [first, last] = match (column, *name) {
            // What ends something is at its place in what it ends.
            (Column::FlashLoan, "flash_repay") | (Column::ReceivershipOfIt, "seize" | "end_liquidation") => {
                [before.clone(), after.clone()]
            }
            (Column::FlashLoan, _) => self.bob.flash_loan(usdc("1000")).map(|leg| vec![leg]),
            (Column::ReceivershipOfIt, _) => {
                self.receivership_of(&self.subject(example).unwrap_or_else(|| self.victim.vault_address()))
            }
            (Column::ReceivershipOfAnother, _) => {
                let [victim, offered] = [&self.victim, &self.alice.with_vault(OFFERED)].map(Actor::vault_address);
                self.receivership_of(if self.subject(example) == Some(victim) { &offered } else { &victim })
            }
            // Begun before the pause, in the same transaction.
            _ => [[before.clone(), self.pauses(column, &["USDC", "LST"])].concat(), after.clone()],
        };
        let closing = match *name {
            "flash_borrow" | "begin_liquidation" if last != *after => after.clone(),
            _ => vec![],
        };
        [first, vec![instruction.clone()], closing, last].concat()
    }
}

/// Tries all cells of a column.
fn tries(column: Column) {
    let [fresh, lasting] = [Scene::new(), Scene::new()];
    lasting.enters(column);
    let mut wrong = vec![];
    for example in fresh.examples() {
        let name = example.name;
        let paused = matches!(column, Column::BorrowPaused | Column::WithdrawPaused | Column::AssetPaused);
        let within = paused && !example.before.is_empty();
        let scene = if within { &fresh } else { &lasting };
        let example = scene.examples().into_iter().find(|other| other.name == name).expect("the same examples");

        let market = scene.market.market_address();
        let named: Vec<_> = scene.subject(&example).into_iter().chain([market]).collect();
        let untouched: Vec<_> = named.iter().map(|key| (*key, scene.market.account(key).unwrap())).collect();
        if let (Some(vault), Column::ReceivershipOfIt | Column::Insolvent) = (scene.subject(&example), column) {
            let insolvent = column == Column::Insolvent;
            scene
                .sinks(&vault, |state| state == StateView::Insolvent || !insolvent && state == StateView::Liquidatable);
        }

        let all = if paused && !within {
            [example.before.clone(), vec![example.instruction.clone()], example.after.clone()].concat()
        } else {
            scene.places(column, &example)
        };
        let signers = scene.signers(&example, &all, &[&scene.bob.key, &scene.guardian]);
        let found = match scene.market.simulates(&all, &signers) {
            Ok(_) => None,
            Err(_) => {
                let refusal = scene.market.sends(&all, &signers).unwrap_err();
                assert_eq!(refusal.changed, [], "{name}");
                Some(refusal.fault)
            }
        };
        let expected = TABLE.iter().find(|(row, _)| *row == name).map(|(_, cells)| cells[column as usize].fault());
        if expected != Some(found) {
            wrong.push((name, found));
        }
        for (key, account) in untouched {
            scene.market.writes(&key, account);
        }
    }
    assert!(wrong.is_empty(), "{column:?}: {wrong:#?}");
}

macro_rules! columns {
    ($($test:ident: $column:ident,)*) => {$(
        #[test]
        fn $test() {
            tries(Column::$column);
        }
    )*};
}

columns! {
    atk_b01_in_a_flash_loan: FlashLoan,
    atk_b01_in_a_receivership_of_the_same_vault: ReceivershipOfIt,
    atk_b01_in_a_receivership_of_another_vault: ReceivershipOfAnother,
    atk_b01_while_borrowing_is_paused: BorrowPaused,
    atk_b01_while_withdrawing_is_paused: WithdrawPaused,
    atk_b01_while_all_assets_are_paused: AssetPaused,
    atk_b01_while_breakers_ask_for_caution: Cautious,
    atk_b01_while_breakers_refuse_new_risk: ReduceOnly,
    atk_b01_while_custody_is_frozen: CustodyFrozen,
    atk_b01_with_an_insolvent_vault: Insolvent,
}
