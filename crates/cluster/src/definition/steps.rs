//! What has to happen so that a market is as its definition says.

use ballast_client::change::{self, market_value, value};
use ballast_client::measure;
use ballast_client::table::Parameter;
use ballast_client::{Edit, Market, Proposal, Pubkey, Role, Source, SourceKind};

use super::export::text_of;
use super::{Definition, Listed, Origin, Wrong};

/// Parameters of one change at most: what fits a transaction beside the accounts.
pub const EDITS_AT_ONCE: usize = 34;

/// One thing that has to happen. The first of them that can happen comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create the market.
    Create,
    /// List an asset of the definition, by its place there.
    List(usize),
    /// Change something.
    Change(Box<Proposal>),
    /// Bring the model of the definition into the market: by a draft, and a change.
    Model,
    /// End the set-up.
    Open,
}

/// The asset of a market that an asset of a definition is: the one of the same mint.
pub fn index_of(market: &Market, listed: &Listed) -> Option<u8> {
    let at = market.listed().iter().position(|asset| asset.mint == listed.mint)?;
    u8::try_from(at).ok()
}

/// What has to happen next: assets first, because the rest names them; then everything else.
///
/// # Errors
/// [`Wrong`] where market and definition cannot be brought together: another order, name, token program or decimals.
pub fn steps(definition: &Definition, market: Option<&Market>) -> Result<Vec<Step>, Wrong> {
    let Some(market) = market else { return Ok(vec![Step::Create]) };
    check(definition, market)?;
    let unlisted = |(_, listed): &(usize, &Listed)| index_of(market, listed).is_none();
    let unlisted = definition.assets.iter().enumerate().filter(unlisted);
    let mut steps: Vec<Step> = unlisted.map(|(at, _)| Step::List(at)).collect();
    let values = differing(&definition.parameters, |parameter| market_value(market, parameter));
    for part in values.chunks(EDITS_AT_ONCE) {
        steps.push(Step::Change(Box::new(change::parameters_of_market(market, part))));
    }
    // What a stake pool stands on comes before it.
    let mut sources = Vec::new();
    for listed in &definition.assets {
        let Some(index) = index_of(market, listed) else { continue };
        for slot in [0, 1] {
            sources.extend(replaced(definition, market, listed, (index, slot))?);
        }
    }
    sources
        .sort_by_key(|proposal| matches!(proposal, Proposal::Source { to, .. } if to.kind() == SourceKind::StakePool));
    steps.extend(sources.into_iter().map(Box::new).map(Step::Change));
    for listed in &definition.assets {
        let Some(index) = index_of(market, listed) else { continue };
        let record = &market.assets[usize::from(index)];
        let values = differing(&listed.parameters, |parameter| value(record, parameter));
        for part in values.chunks(EDITS_AT_ONCE) {
            steps.push(Step::Change(Box::new(change::parameters_of_asset(market, index, part, 0))));
        }
    }
    steps.extend(roles(definition, market).map(Box::new).map(Step::Change));
    let stale = definition.model.as_ref().is_some_and(|model| !model.holds(market));
    // In the set-up once everything has its row.
    if stale && (steps.is_empty() || !market.in_setup()) {
        steps.push(Step::Model);
    }
    if steps.is_empty() && definition.open && market.in_setup() {
        steps.push(Step::Open);
    }
    Ok(steps)
}

/// What the chain cannot change any more must be the same.
fn check(definition: &Definition, market: &Market) -> Result<(), Wrong> {
    for listed in &definition.assets {
        let Some(index) = index_of(market, listed) else { continue };
        let record = &market.assets[usize::from(index)];
        let name = text_of(&record.name);
        if (name != listed.name) || record.decimals != listed.decimals {
            let why = format!("the market has this mint as {name} with {} decimals", record.decimals);
            return Err(Wrong::new(&listed.name, why));
        }
        if (record.token_program != 0) != listed.token_2022 {
            return Err(Wrong::new(&listed.name, "its mint belongs to the other token program"));
        }
    }
    Ok(())
}

fn differing(values: &[(Parameter, u64)], present: impl Fn(Parameter) -> Option<u64>) -> Vec<(Parameter, u64)> {
    values.iter().copied().filter(|(parameter, value)| present(*parameter) != Some(*value)).collect()
}

/// The change of a source, if there has to be one. A source that is on its way in already is none.
fn replaced(
    definition: &Definition,
    market: &Market,
    listed: &Listed,
    (index, slot): (u8, u8),
) -> Result<Option<Proposal>, Wrong> {
    let Some(origin) = &listed.sources[usize::from(slot)] else { return Ok(None) };
    let Some(to) = source(definition, market, listed, origin)? else { return Ok(None) };
    let record = &market.assets[usize::from(index)];
    let coming = !record.candidate.is_none() && record.candidate_slot == slot && record.candidate == to;
    if record.sources[usize::from(slot)] == to || coming {
        return Ok(None);
    }
    Ok(Some(change::source(market, index, slot, to)))
}

/// The source in the form of the chain; `None` while its base is not listed.
fn source(definition: &Definition, market: &Market, listed: &Listed, origin: &Origin) -> Result<Option<Source>, Wrong> {
    let Some(name) = &origin.base else {
        let none = origin.kind == SourceKind::None;
        return Ok(Some(if none { Source::NONE } else { Source::new(origin.kind, origin.key, 0) }));
    };
    let base = match definition.assets.iter().find(|listed| listed.name == *name) {
        Some(base) => index_of(market, base),
        None => {
            let at = market.listed().iter().position(|asset| text_of(&asset.name) == *name);
            let at =
                at.ok_or_else(|| Wrong::new(&listed.name, format!("its base {name} is not an asset of the market")))?;
            u8::try_from(at).ok()
        }
    };
    Ok(base.map(|base| Source::new(origin.kind, origin.key, base)))
}

/// Roles that others are to hold. Whoever is named already only has to accept.
fn roles<'a>(definition: &'a Definition, market: &'a Market) -> impl Iterator<Item = Proposal> + 'a {
    Role::ALL.into_iter().zip(&definition.roles).filter_map(|(role, wanted)| {
        let wanted = (*wanted)?;
        let held =
            *role.of(&market.roles) == wanted || *role.of(&market.named) == wanted && wanted != Pubkey::default();
        (!held).then(|| change::role(market, role, wanted))
    })
}

impl Step {
    /// One line for people.
    pub fn describe(&self, definition: &Definition, market: Option<&Market>) -> String {
        match self {
            Self::Create => format!("create market {}", definition.market),
            Self::List(at) => {
                let name = definition.assets.get(*at).map_or("?", |listed| listed.name.as_str());
                format!("list {name}")
            }
            Self::Change(proposal) => describe(market, proposal),
            Self::Model => "model of correlation and stress".to_owned(),
            Self::Open => "open the market".to_owned(),
        }
    }
}

/// One line for people, about any change.
pub fn describe(market: Option<&Market>, proposal: &Proposal) -> String {
    let asset = |index: u8| market.and_then(|market| market.listed().get(usize::from(index)));
    let name = |index: u8| asset(index).map_or_else(|| format!("asset {index}"), |asset| text_of(&asset.name));
    match proposal {
        Proposal::Parameters { asset: index, edits, .. } => {
            let decimals = index.and_then(asset).map_or(0, |asset| asset.decimals);
            let place = index.map_or_else(|| "market".to_owned(), name);
            let edits: Vec<String> = edits.iter().map(|edit| described(edit, decimals)).collect();
            format!("{place}: {}", edits.join(", "))
        }
        Proposal::Source { asset, slot, to, .. } => {
            let which = if *slot == 0 { "source" } else { "second source" };
            format!("{}: {which} {} {}", name(*asset), super::file::kind_name(to.kind()), to.key)
        }
        Proposal::Role { role, to, .. } => {
            let role = match role {
                Role::Governance => "governance",
                Role::Guardian => "guardian",
                Role::Steward => "steward",
            };
            let nobody = *to == Pubkey::default();
            format!("{role}: {}", if nobody { "nobody".to_owned() } else { to.to_string() })
        }
        Proposal::Model { .. } => "model of correlation and stress".to_owned(),
    }
}

fn described(edit: &Edit, decimals: u8) -> String {
    let Some(parameter) = Parameter::from_code(edit.parameter) else { return format!("parameter {}", edit.parameter) };
    let text = |value| measure::write(parameter, decimals, value);
    format!("{} {} -> {}", parameter.name(), text(edit.from), text(edit.to))
}
