//! What governance, guardian, steward and anybody may do to a market, at random.

use ballast_tests::client::table::{Parameter as P, Scope, Tightens};
use ballast_tests::client::{Pausable, Proposal, Role, Source, change, instruction};
use ballast_tests::*;

use crate::judge::{Values, broken, follow, in_range, of, small_enough, targets, tightens, within};
use crate::play::{DAY, Play};
use crate::random::Random;

/// Something that happens at a second.
#[derive(Clone, Debug)]
pub enum Event {
    /// A proposal of a kind.
    Propose(u64, Kind),
    Execute(u64, String, Option<&'static str>),
    AtOnce(u64, Role),
    Pause(u64, Role),
    Resume(u64, Role),
    Confirm(u64, Role),
    List(u64),
    Observe(u64, u8),
    /// Nothing: somebody looks.
    Look(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Asset,
    /// Of a week's delay.
    Slow,
    Market,
    Source,
    Model,
}

impl Event {
    pub fn at(&self) -> u64 {
        let (Self::Propose(at, _) | Self::Execute(at, ..) | Self::AtOnce(at, _) | Self::Pause(at, _)) = self else {
            let (Self::Resume(at, _) | Self::Confirm(at, _) | Self::List(at) | Self::Observe(at, _) | Self::Look(at)) =
                self
            else {
                unreachable!()
            };
            return *at;
        };
        *at
    }
}

impl Play {
    /// Whether it was accepted.
    pub fn does(&mut self, random: &mut Random, event: &Event) -> bool {
        let fixture = self.fixture.clone();
        match event {
            Event::Propose(_, kind) => self.proposes(random, *kind),
            Event::Execute(_, name, author) => {
                let done = fixture.executes_from(name, *author);
                if done.is_ok() {
                    self.waiting.retain(|waiting| waiting != name);
                    // A source has to be observed.
                    let found: Vec<u8> = (0..self.assets)
                        .filter(|index| !self.market().assets[usize::from(*index)].candidate.is_none())
                        .collect();
                    for index in found {
                        self.events.extend((0..4).map(|k| Event::Observe(event.at() + 1 + 31 * k, index)));
                    }
                }
                done.is_ok()
            }
            Event::AtOnce(_, role) => self.at_once(random, *role),
            Event::Pause(_, role) => {
                let seconds = random.scale(1, 16).min(DAY) as u32;
                fixture.pauses(*role, self.pausable(random), seconds).is_ok()
            }
            Event::Resume(_, role) => fixture.resumes(*role, self.pausable(random)).is_ok(),
            Event::Confirm(_, role) => {
                let holder = fixture.holder(*role);
                let confirm = change::confirm_risk_model(&holder.pubkey(), &fixture.market_address());
                fixture.sends(&[confirm], &[&fixture.payer(), &holder]).is_ok()
            }
            Event::List(_) => {
                let token = assets::token(assets::plain(40));
                fixture.mints(&token);
                fixture.governs(fixture.list_instruction(&token)).is_ok()
            }
            Event::Observe(_, index) => {
                let candidate = self.market().assets[usize::from(*index)].candidate;
                let feed = self.feeds[usize::from(*index)].iter().find(|feed| feed.source() == candidate);
                feed.is_some_and(|feed| {
                    let observe = instruction::observe_candidate(&fixture.market_address(), *index, &feed.oracle);
                    fixture.sends(&[observe], &[&fixture.payer()]).is_ok()
                })
            }
            Event::Look(_) => false,
        }
    }

    fn pausable(&self, random: &mut Random) -> Pausable {
        let asset = Pausable::Asset(random.below(usize::from(self.assets)) as u8);
        random.pick(&[Pausable::Borrow, Pausable::Withdraw, asset, asset, asset])
    }

    /// Edits of some parameters of a record with what has to move along, of which each is fine by itself.
    fn edits(
        &self,
        random: &mut Random,
        asset: Option<u8>,
        chosen: &[P],
        fine: impl Fn(P, u64, u64) -> bool,
    ) -> Option<Proposal> {
        let present = Values::of(&self.market(), asset);
        let mut pinned = vec![];
        for _ in 0..1 + random.below(3) {
            let parameter = random.pick(chosen);
            let (row, from) = (parameter.row(), present.get(parameter));
            let mut wanted = targets(row, from, u64::MAX >> 2);
            wanted.retain(|to| *to != from && in_range(row, *to) && fine(parameter, from, *to));
            if !wanted.is_empty() && pinned.iter().all(|(other, _)| *other != parameter) {
                pinned.push((parameter, random.pick(&wanted)));
            }
        }
        let moved = follow(&present, &pinned);
        let edits = moved.unlike(&present);
        let all = edits.iter().all(|(parameter, to)| fine(*parameter, present.get(*parameter), *to));
        let ramp = if random.percent(50) { 0 } else { random.between(0, 3 * DAY) as u32 };
        let change = match asset {
            Some(index) => change::parameters_of_asset(&self.market(), index, &edits, ramp),
            None => change::parameters_of_market(&self.market(), &edits),
        };
        (!edits.is_empty() && all && broken(&moved).is_empty()).then_some(change)
    }

    fn any_asset(&self, random: &mut Random) -> u8 {
        random.below(usize::from(self.assets)) as u8
    }

    fn at_once(&self, random: &mut Random, role: Role) -> bool {
        let scope = if role != Role::Steward && random.percent(10) { Scope::Market } else { Scope::Asset };
        let asset = (scope == Scope::Asset).then(|| self.any_asset(random));
        let may = |parameter: P, from: u64, to: u64| match role {
            Role::Steward => within(parameter.row().steward, from, to, 0),
            _ => tightens(parameter.row(), from, to) && small_enough(parameter.row(), from, to, u64::MAX, false),
        };
        let chosen: Vec<_> = of(scope)
            .filter(|parameter| match role {
                Role::Steward => parameter.row().steward != client::table::Step::None,
                _ => parameter.row().tightens != Tightens::Never,
            })
            .collect();
        // What counts for liquidations more often than the many that do not.
        let ramped: Vec<_> = chosen.iter().copied().filter(|parameter| parameter.row().ramps).collect();
        let chosen = if !ramped.is_empty() && random.percent(60) { ramped } else { chosen };
        let Some(mut change) = self.edits(random, asset, &chosen, may) else { return false };
        if let Proposal::Parameters { ramp, .. } = &mut change {
            *ramp = 0;
        }
        self.fixture.applies(role, change).is_ok()
    }

    fn proposes(&mut self, random: &mut Random, kind: Kind) -> bool {
        let mut author = None;
        let slow = |parameter: &P| u64::from(parameter.row().delay) > DAY;
        let small = |parameter: P, from: u64, to: u64| small_enough(parameter.row(), from, to, u64::MAX >> 2, true);
        let proposal = match kind {
            Kind::Asset => {
                let fast: Vec<_> = of(Scope::Asset).filter(|parameter| !slow(parameter)).collect();
                let ramped: Vec<_> = fast.iter().copied().filter(|parameter| parameter.row().ramps).collect();
                let chosen = if random.percent(60) { ramped } else { fast };
                let asset = self.any_asset(random);
                self.edits(random, Some(asset), &chosen, small)
            }
            Kind::Slow => {
                let chosen: Vec<_> = of(Scope::Asset).filter(slow).collect();
                let asset = self.any_asset(random);
                self.edits(random, Some(asset), &chosen, small)
            }
            Kind::Market => {
                let chosen: Vec<_> = of(Scope::Market).collect();
                self.edits(random, None, &chosen, small)
            }
            Kind::Source => {
                let index = self.any_asset(random);
                let slot = random.below(2) as u8;
                let feed = &self.feeds[usize::from(index)][random.below(3)];
                let to = if slot == 1 && random.percent(30) { Source::NONE } else { feed.source() };
                Some(change::source(&self.market(), index, slot, to))
            }
            Kind::Model => {
                let drafted = &self.drafts[random.below(self.drafts.len())];
                let mut model = drafted.model.clone();
                if model.netting && random.percent(50) {
                    // Or it ends soon.
                    model.validity = random.between(1, 2 * DAY) as u32;
                    model.grace = random.between(DAY, 3 * DAY) as u32;
                }
                author = (model.netting || model.scenarios > 0).then_some(drafted.author);
                let drafting = self.fixture.drafting(drafted.author);
                Some(drafting.proposal(&self.market(), model, &drafted.loadings, &drafted.shocks))
            }
        };
        let Some(proposal) = proposal else { return false };
        self.count += 1;
        let name = format!("{} of the play", self.count);
        if self.fixture.proposes(&name, proposal).is_err() {
            return false;
        }
        self.events.push(Event::Execute(self.fixture.waiting(&name).eta, name.clone(), author));
        self.waiting.push(name);
        true
    }
}
