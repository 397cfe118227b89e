//! The program's instructions without their accounts: the same checks in the same order, the same bookings.

use anchor_lang::error::Error;
use ballast::booking::{Booked, book};
use ballast::error::BallastError;
use ballast::error::{OrRefuse, refuse};
use ballast::liquidate::{Offer, book_pair, plan};
use ballast::liquidate_into::book_takeover;
use ballast::losses::write_off;
use ballast::state::{Market, Vault};
use ballast_risk::Amount;
use ballast_risk::health::Side;
use ballast_risk::holding::{self, Holding, Move};
use ballast_risk::interest::Pool;

use super::{Action, Direction, Flow, Stage};
use crate::impact::copied;
use crate::refusal::Refusal;

/// What the program says, and what would have moved.
pub struct Refused {
    pub refusal: Refusal,
    pub flows: Vec<Flow>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { refusal: error.into(), flows: vec![] }
    }
}

type Acted = Result<Vec<Flow>, Refused>;

fn require(condition: bool, error: BallastError) -> Result<(), Error> {
    if condition { Ok(()) } else { Err(refuse(error)) }
}

impl Stage {
    /// The stage after an action, also after one that is refused for its limits or its margin.
    pub(super) fn try_act(&mut self, action: Action) -> Acted {
        match action {
            Action::Deposit { asset, amount } => self.deposit(asset, amount),
            Action::Withdraw { asset, amount } => self.withdraw(asset, amount),
            Action::Borrow { asset, amount } => self.borrow(asset, amount),
            Action::Repay { asset, amount } => self.repay(asset, amount),
            Action::Liquidate { debt_asset, collateral_asset, most_repaid } => {
                self.liquidate(debt_asset, collateral_asset, most_repaid)
            }
        }
    }

    fn deposit(&mut self, asset: u8, amount: u64) -> Acted {
        require(amount > 0, BallastError::AmountIsZero)?;
        self.market.require_no_receivership()?;
        self.market.asset(asset)?;
        let amount = Amount::new(self.fee(asset).arrives_floor(amount)?);
        self.book(asset, Direction::In, |pool, held| holding::deposit(pool, held, amount))
    }

    fn withdraw(&mut self, asset: u8, amount: Option<u64>) -> Acted {
        require(amount != Some(0), BallastError::AmountIsZero)?;
        self.market.asset(asset)?;
        self.market.require_no_receivership()?;
        let held = self.vault.holding(asset);
        require(held.side == Side::Deposit && !held.shares.is_zero(), BallastError::NoDeposit)?;
        let paused = self.market.withdraw_pause.active(self.now) && self.vault.has_debt();
        let amount = amount.map(Amount::new);
        let moved = self.book(asset, Direction::Out, |pool, held| holding::withdraw(pool, held, amount));
        self.checked(moved, paused)
    }

    fn borrow(&mut self, asset: u8, amount: u64) -> Acted {
        require(amount > 0, BallastError::AmountIsZero)?;
        self.market.asset(asset)?;
        self.market.require_no_receivership()?;
        let paused = self.market.borrow_pause.active(self.now);
        let amount = Amount::new(amount);
        let moved = self.book(asset, Direction::Out, |pool, held| holding::borrow(pool, held, amount));
        self.checked(moved, paused)
    }

    fn repay(&mut self, asset: u8, amount: Option<u64>) -> Acted {
        require(amount != Some(0), BallastError::AmountIsZero)?;
        self.market.asset(asset)?;
        require(self.vault.holding(asset).side == Side::Debt, BallastError::NoDebt)?;
        let amount = match amount {
            Some(amount) => self.fee(asset).arrives_floor(amount)?,
            None => u64::MAX,
        };
        self.book(asset, Direction::In, |pool, held| holding::repay(pool, held, Amount::new(amount)))
    }

    fn liquidate(&mut self, debt_asset: u8, collateral_asset: u8, most_repaid: u64) -> Acted {
        require(most_repaid > 0, BallastError::AmountIsZero)?;
        self.market.require_no_receivership()?;
        require(debt_asset != collateral_asset, BallastError::SameAsset)?;
        self.market.asset(debt_asset)?;
        self.market.asset(collateral_asset)?;
        let (now, most_repaid) = (self.now, self.fee(debt_asset).arrives_floor(most_repaid)?);
        let offer = Offer { debt_asset, collateral_asset, most_repaid, now };
        let (moved, _) = plan(&self.market, &self.vault, &offer)?;
        // On copies: the collateral may not be there, and then the debt stays as well.
        let (mut market, mut vault) = (copied(&self.market), self.vault);
        let [debt, collateral] = book_pair(&mut market, &mut vault, &offer, &moved)?;
        write_off(&mut market, &mut vault, now, |_, _| {})?;
        (self.market, self.vault) = (market, vault);
        Ok(vec![flow(debt_asset, Direction::In, &debt), flow(collateral_asset, Direction::Out, &collateral)])
    }

    /// Books with all limits. What a limit refuses is booked without them, as far as that can be.
    fn book(
        &mut self,
        asset: u8,
        direction: Direction,
        compute: impl Fn(&mut Pool, Holding) -> ballast_risk::Result<Move>,
    ) -> Acted {
        let (mut market, mut vault) = (copied(&self.market), self.vault);
        match book(&mut market, &mut vault, asset, self.now, &compute) {
            Ok(booked) => {
                (self.market, self.vault) = (market, vault);
                Ok(vec![flow(asset, direction, &booked)])
            }
            Err(error) => {
                let (mut market, mut vault) = (copied(&self.market), self.vault);
                let mut refused = Refused::from(error);
                if let Ok(booked) = market.move_one(&mut vault, asset, self.now, &compute) {
                    (self.market, self.vault) = (market, vault);
                    refused.flows.push(flow(asset, direction, &booked));
                }
                Err(refused)
            }
        }
    }

    /// What was booked, unless it is paused or leaves too little margin. A pause is asked before the booking.
    fn checked(&self, moved: Acted, paused: bool) -> Acted {
        let refused = |flows, error: Error| Err(Refused { refusal: error.into(), flows });
        let (flows, earlier) = match moved {
            Ok(flows) => (flows, None),
            Err(Refused { refusal, flows }) => (flows, Some(refusal)),
        };
        if paused {
            return refused(flows, refuse(BallastError::Paused));
        }
        match (earlier, self.market.require_margin(&self.vault, &self.guard, self.now)) {
            (Some(refusal), _) => Err(Refused { refusal, flows }),
            (None, Err(error)) => refused(flows, error),
            (None, Ok(())) => Ok(flows),
        }
    }

    fn fee(&self, asset: u8) -> crate::Fee {
        self.fees.get(usize::from(asset)).copied().unwrap_or_default()
    }
}

const fn flow(asset: u8, direction: Direction, booked: &Booked) -> Flow {
    Flow { asset, direction, tokens: booked.tokens }
}

/// What `liquidate_into` moves into a vault, native units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// What the vault that takes over owes on top: the repayment and the reserve's part.
    pub owed: u64,
    pub seized: u64,
}

impl Stage {
    /// A vault of the liquidator takes over debt and collateral: `liquidate_into`. On success both vaults have changed.
    ///
    /// # Errors
    /// What the program says; nothing has changed then.
    pub fn hand_over(
        &mut self,
        into: &mut Vault,
        [debt_asset, collateral_asset]: [u8; 2],
        most_repaid: u64,
    ) -> Result<Takeover, Refusal> {
        let (mut market, mut vault, mut taker) = (copied(&self.market), self.vault, *into);
        let pair = [debt_asset, collateral_asset];
        let taken = take_over(&mut market, [&mut vault, &mut taker], pair, most_repaid, self.now)?;
        (self.market, self.vault, *into) = (market, vault, taker);
        Ok(taken)
    }
}

/// `liquidate_into` on copies, which are spoilt where it is refused.
fn take_over(
    market: &mut Market,
    [vault, into]: [&mut Vault; 2],
    [debt_asset, collateral_asset]: [u8; 2],
    most_repaid: u64,
    now: u64,
) -> Result<Takeover, Error> {
    require(most_repaid > 0, BallastError::AmountIsZero)?;
    require(debt_asset != collateral_asset, BallastError::SameAsset)?;
    market.require_no_receivership()?;
    let offer = Offer { debt_asset, collateral_asset, most_repaid, now };
    let (moved, _) = plan(market, vault, &offer)?;
    let [repaid, seized] = book_takeover(market, [&mut *vault, &mut *into], &offer, &moved)?;
    write_off(market, vault, now, |_, _| {})?;
    market.require_margin(into, &ballast::Guard::default(), now)?;
    Ok(Takeover { owed: Amount::new(repaid).plus(moved.to_reserve).or_refuse()?.get(), seized })
}
