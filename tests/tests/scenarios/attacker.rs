//! An attacker with two keys and two vaults, what he can do, and what he is worth.

use ballast_client::risk::health::Side;
use ballast_client::risk::liquidation::Shortfall;
use ballast_client::risk::receivership::{cost_ceil, liquidators_part_floor};
use ballast_client::risk::{Amount, Fraction, Usd};
use ballast_client::{Asset, Market, Pubkey, Vault, instruction, snapshot, token};
use solana_instruction::{AccountMeta, Instruction};

use crate::play::Dice;
use crate::stage::Stage;

pub const SYMBOLS: [&str; 4] = ["SOL", "USDC", "ETH", "BONK"];
const DECIMALS: [u8; 4] = [9, 6, 8, 5];
/// An instruction without an amount.
const NOTHING: (usize, u64) = (0, 0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Deposit,
    Withdraw,
    WithdrawAll,
    Borrow,
    Repay,
    RepayOthers,
    Donate,
    Fund,
    Liquidate,
    LiquidateInto,
    LiquidateOthers,
    Receivership,
    Absorb,
    CloseAndOpen,
    HandOver,
    Several,
    FlashLoan,
}

impl Kind {
    pub const ALL: [Self; 17] = [
        Self::Deposit,
        Self::Withdraw,
        Self::WithdrawAll,
        Self::Borrow,
        Self::Repay,
        Self::RepayOthers,
        Self::Donate,
        Self::Fund,
        Self::Liquidate,
        Self::LiquidateInto,
        Self::LiquidateOthers,
        Self::Receivership,
        Self::Absorb,
        Self::CloseAndOpen,
        Self::HandOver,
        Self::Several,
        Self::FlashLoan,
    ];
    /// What may stand between the legs of a flash loan, and beside others in one transaction.
    pub const PARTS: [Self; 12] = [
        Self::Deposit,
        Self::Withdraw,
        Self::WithdrawAll,
        Self::Borrow,
        Self::Repay,
        Self::RepayOthers,
        Self::Donate,
        Self::Fund,
        Self::Liquidate,
        Self::Liquidate,
        Self::LiquidateInto,
        Self::Absorb,
    ];
}

/// What the attacker sees before he moves.
pub struct View {
    pub market: Box<Market>,
    pub now: u64,
    /// His two, and that of somebody else.
    pub vaults: [Option<Vault>; 3],
    /// By key and asset.
    pub wallets: [[u64; 4]; 2],
}

pub struct Attacker {
    pub stage: Stage,
    pub keys: [Pubkey; 2],
    /// His two, and that of somebody else.
    pub vaults: [Pubkey; 3],
    pub wallets: [[Pubkey; 4]; 2],
}

/// One move: what is sent, and what it is made of.
pub struct Step {
    pub instructions: Vec<Instruction>,
    pub parts: Vec<Kind>,
}

impl View {
    fn asset(&self, index: u8) -> &Asset {
        &self.market.assets[usize::from(index)]
    }

    /// Assets of a vault on a side, with amounts.
    pub fn on(&self, vault: usize, side: Side) -> Vec<(u8, u64)> {
        let Some(vault) = &self.vaults[vault] else { return vec![] };
        let held = vault.used().iter().filter(|position| position.side() == side);
        held.map(|position| {
            let pool = self.asset(position.asset).accrued_pool(self.now);
            (position.asset, vault.holding(position.asset).amount(&pool).expect("an amount").get())
        })
        .collect()
    }

    fn amount(&self, vault: usize, side: Side, asset: u8) -> u64 {
        self.on(vault, side).iter().find(|(index, _)| *index == asset).map_or(0, |(_, amount)| *amount)
    }

    /// Which of the two keys acts for a vault.
    fn owner(&self, keys: &[Pubkey; 2], vault: usize) -> usize {
        usize::from(self.vaults[vault].as_ref().is_some_and(|vault| vault.owner == keys[1]))
    }
}

/// Of a limit: all of it, a bit more, very little, or a part.
fn some(dice: &mut Dice, limit: u64) -> u64 {
    match dice.below(9) {
        0 => 1,
        1 => dice.below(2_000) + 1,
        2 => limit.saturating_add(1),
        3 | 4 => limit.max(1),
        _ => (u128::from(limit) * u128::from(dice.below(1_000) + 1) / 1_000) as u64,
    }
}

impl Attacker {
    pub fn view(&self) -> View {
        let fixture = &self.stage.fixture;
        View {
            market: fixture.market(),
            now: fixture.now() as u64,
            vaults: self.vaults.map(|address| self.stage.vault(&address)),
            wallets: self.wallets.map(|key| key.map(|address| fixture.balance(&address))),
        }
    }

    /// A step of a kind, if there is anything to do it with.
    pub fn step(&mut self, kind: Kind, view: &View, dice: &mut Dice) -> Option<Step> {
        let mut parts = vec![];
        let instructions = match kind {
            Kind::Several => {
                let mut all = vec![];
                for _ in 0..2 + dice.below(3) {
                    let part = dice.one_of(&Kind::PARTS);
                    if let Some(instruction) = self.part(part, view, dice) {
                        all.push(instruction);
                        parts.push(part);
                    }
                }
                all
            }
            Kind::FlashLoan => self.flash_loan(view, dice, &mut parts),
            Kind::Receivership => self.receivership(view, dice)?,
            Kind::CloseAndOpen => {
                let (vault, market) = (dice.below(2) as usize, self.stage.fixture.market_address());
                let (address, owner) = (self.vaults[vault], self.keys[view.owner(&self.keys, vault)]);
                let close = instruction::close_vault(&owner, &address, &owner);
                let open = instruction::open_vault(&self.keys[0], &self.keys[0], &market, vault as u16);
                match (&view.vaults[vault], dice.below(2)) {
                    (None, _) => vec![open],
                    (Some(_), 0) => vec![close],
                    (Some(_), _) => vec![close, open],
                }
            }
            Kind::HandOver => {
                let vault = dice.below(2) as usize;
                let (address, from) = (self.vaults[vault], view.owner(&self.keys, vault));
                let to = self.keys[1 - from];
                self.stage.fixture.builds(|market| {
                    let offer = market.transfer_vault(&self.keys[from], &address, to);
                    vec![offer, market.accept_vault(&to, &address)]
                })
            }
            single => vec![self.part(single, view, dice)?],
        };
        (!instructions.is_empty()).then_some(Step { instructions, parts })
    }

    /// One instruction.
    fn part(&mut self, kind: Kind, view: &View, dice: &mut Dice) -> Option<Instruction> {
        let (vault, asset) = (dice.below(2) as usize, dice.below(4) as u8);
        let who = view.owner(&self.keys, vault);
        let wallet = view.wallets[who][usize::from(asset)];
        let (key, address) = (self.keys[who], self.vaults[vault]);
        let name = |asset: u8, other: u8| [kind as u8, who as u8, vault as u8, asset, other, 0];
        Some(match kind {
            Kind::Deposit => {
                let amount = some(dice, wallet);
                self.stage.call(name(asset, 0), (9, amount), |at| at.deposit(&key, &address, asset, 1))
            }
            Kind::Withdraw | Kind::WithdrawAll => {
                let held = view.on(vault, Side::Deposit);
                let (asset, amount) = if held.is_empty() { (asset, 1) } else { dice.one_of(&held) };
                if kind == Kind::Withdraw {
                    let amount = some(dice, amount);
                    self.stage.call(name(asset, 0), (10, amount), |at| at.withdraw(&key, &address, asset, Some(1)))
                } else {
                    self.stage.call(name(asset, 0), NOTHING, |at| at.withdraw(&key, &address, asset, None))
                }
            }
            Kind::Borrow => {
                let dollars = dice.one_of(&[1, 40, 300, 1_500, 6_000]) * (1 + dice.below(999)) * 1_000;
                let amount = view.asset(asset).spot()?.amount_floor(Usd::new(dollars)).get();
                self.stage.call(name(asset, 0), (9, amount.max(1)), |at| at.borrow(&key, &address, asset, 1))
            }
            Kind::Repay | Kind::RepayOthers => {
                let vault = if kind == Kind::Repay { vault } else { 2 };
                let owed = view.on(vault, Side::Debt);
                let (asset, amount) = if owed.is_empty() { (asset, 1) } else { dice.one_of(&owed) };
                let (amount, address) = (some(dice, amount), self.vaults[vault]);
                let name = [kind as u8, who as u8, vault as u8, asset, 0, 0];
                self.stage.call(name, (9, amount), |at| at.repay(&key, &address, asset, 1))
            }
            Kind::Donate => {
                let custody = view.asset(asset).custody;
                let (from, mint) = (self.wallets[who][usize::from(asset)], view.asset(asset).mint);
                let mut data = vec![12];
                data.extend(some(dice, wallet / 50).to_le_bytes());
                data.push(DECIMALS[usize::from(asset)]);
                let accounts = vec![
                    AccountMeta::new(from, false),
                    AccountMeta::new_readonly(mint, false),
                    AccountMeta::new(custody, false),
                    AccountMeta::new_readonly(key, true),
                ];
                Instruction { program_id: token::SPL_TOKEN, accounts, data }
            }
            Kind::Fund => {
                let amount = some(dice, wallet / 50);
                self.stage.call(name(asset, 0), (9, amount), |at| at.fund_reserve(&key, asset, 1))
            }
            Kind::Liquidate | Kind::LiquidateInto | Kind::LiquidateOthers => {
                let victim = if kind == Kind::LiquidateOthers { 2 } else { vault };
                let (debt, collateral) = (view.on(victim, Side::Debt), view.on(victim, Side::Deposit));
                if debt.is_empty() || collateral.is_empty() {
                    return None;
                }
                let ((debt, owed), (collateral, _)) = (dice.one_of(&debt), dice.one_of(&collateral));
                let (most, address) = (some(dice, owed.saturating_mul(2)), self.vaults[victim]);
                let into = self.vaults[1 - vault];
                let name = [kind as u8, who as u8, vault as u8, debt, collateral, victim as u8];
                let who = if kind == Kind::LiquidateInto { view.owner(&self.keys, 1 - vault) } else { who };
                let (name, key) = ([name[0], who as u8, name[2], name[3], name[4], name[5]], self.keys[who]);
                self.stage.call(name, (10, most), |at| match kind {
                    Kind::LiquidateInto => at.liquidate_into(&key, &address, &into, debt, collateral, 1),
                    _ => at.liquidate(&key, &address, debt, collateral, 1),
                })
            }
            Kind::Absorb => self.stage.call(name(0, 0), NOTHING, |at| at.absorb_bad_debt(&address)),
            _ => return None,
        })
    }

    /// All that a pool has, or less, for one transaction; one time in three it goes into a vault and out again.
    fn flash_loan(&mut self, view: &View, dice: &mut Dice, parts: &mut Vec<Kind>) -> Vec<Instruction> {
        let (asset, who) = (dice.below(4) as u8, dice.below(2) as usize);
        let cash = view.asset(asset).cash;
        let amount = if dice.below(4) == 0 { some(dice, cash) } else { cash };
        let key = self.keys[who];
        let [lend, back] = [0u8, 1].map(|leg| {
            let name = [Kind::FlashLoan as u8, who as u8, asset, leg, 0, 0];
            self.stage.call(name, (9, amount), |at| at.flash_loan(&key, asset, 1)[usize::from(leg)].clone())
        });
        let vault = dice.below(2) as usize;
        let deep = dice.below(3) == 0 && view.owner(&self.keys, vault) == who;
        let address = self.vaults[vault];
        let mut all = vec![lend];
        if deep {
            let name = [Kind::Deposit as u8, who as u8, vault as u8, asset, 0, 0];
            all.push(self.stage.call(name, (9, amount), |at| at.deposit(&key, &address, asset, 1)));
            parts.push(Kind::Deposit);
        }
        for _ in 0..1 + dice.below(3) {
            let part = dice.one_of(&Kind::PARTS);
            if let Some(instruction) = self.part(part, view, dice) {
                all.push(instruction);
                parts.push(part);
            }
        }
        if deep {
            // What a deposit loses to rounding stays in the vault.
            let amount = amount.saturating_sub(view.amount(vault, Side::Debt, asset) + 1).max(1);
            let name = [Kind::Withdraw as u8, who as u8, vault as u8, asset, 0, 0];
            all.push(self.stage.call(name, (10, amount), |at| at.withdraw(&key, &address, asset, Some(1))));
            parts.push(Kind::Withdraw);
        }
        all.push(back);
        all
    }

    /// Seizures and repayments of one of his vaults, in any order, which nearly or just pay for each other.
    fn receivership(&mut self, view: &View, dice: &mut Dice) -> Option<Vec<Instruction>> {
        let (vault, who) = (dice.below(2) as usize, dice.below(2) as usize);
        let state = view.vaults[vault].as_ref()?;
        let (key, address) = (self.keys[who], self.vaults[vault]);
        let health = view.market.spot_health(state, view.now, &mut None).ok()?;
        let shortfall = Shortfall::of(&health.maint);
        let debts = view.on(vault, Side::Debt);
        let share = debts.iter().map(|(debt, _)| view.asset(*debt).bonus_reserve).max()?;
        // All that there is, or a part of what a liquidation of the best pair would take.
        let found = snapshot::best_liquidation(&view.market, address, state, view.now, |_| u64::MAX / 8);
        let seized = match found {
            Some(found) if dice.below(3) > 0 => {
                let part = some(dice, found.liquidation.seize.get());
                vec![(found.collateral_asset, part)]
            }
            _ => view.on(vault, Side::Deposit),
        };
        let mut owed = 0;
        let mut steps = vec![];
        for (asset, amount) in seized {
            let bonus = view.asset(asset).bonus().at(&shortfall);
            let bonus = liquidators_part_floor(bonus, Fraction::new(share));
            owed += cost_ceil(view.asset(asset).spot()?, Amount::new(amount), bonus).ok()?.get();
            let name = [Kind::Receivership as u8, who as u8, vault as u8, asset, 0, 0];
            steps.push(self.stage.call(name, (9, amount), |at| at.seize(&key, &address, asset, 1)));
        }
        // Two times in three enough, now and then too little by the least that counts.
        let mut left = (owed + dice.one_of(&[0, 0, 1, 5])).saturating_sub(dice.one_of(&[0, 0, 0, 1, 3]));
        for (asset, amount) in debts {
            let price = view.asset(asset).spot()?;
            let pays = price.amount_ceil(Usd::new(left)).get().min(amount);
            left = left.saturating_sub(price.value_floor(Amount::new(pays)).ok()?.get());
            if pays > 0 {
                let name = [Kind::Receivership as u8, who as u8, vault as u8, asset, 1, 0];
                let repay = self.stage.call(name, (9, pays), |at| at.repay(&key, &address, asset, 1));
                steps.insert(dice.below(steps.len() as u64 + 1) as usize, repay);
            }
        }
        let [begin, end] = [2u8, 3].map(|end| {
            let name = [Kind::Receivership as u8, who as u8, vault as u8, 0, end, 0];
            self.stage.call(name, NOTHING, |at| at.receivership(&key, &address)[usize::from(end - 2)].clone())
        });
        steps.insert(0, begin);
        steps.push(end);
        Some(steps)
    }
}
