//! What somebody wants to change: `--set` and TOML files, compared with the market, become proposals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ballast_client::measure::{read, seconds};
use ballast_client::table::{Parameter, Scope};
use ballast_client::{Proposal, Pubkey, Role, Source, SourceKind, change};
use ballast_cluster::definition::File;
use ballast_cluster::definition::file::kind_name;
use ballast_cluster::definition::steps::{EDITS_AT_ONCE, Step, steps};
use ballast_cluster::definition::values::{self, Values};
use clap::Args;

use super::describe::asset_name;
use crate::context::OnChain;
use crate::failure::Failure;

/// Names of the two sources of an asset.
const SOURCES: [&str; 2] = ["source", "second_source"];

/// The values that are wanted.
#[derive(Args, Clone, Debug, Default)]
pub struct Wanted {
    /// TOML file with tables [assets.NAME], [market] and [roles], or a whole definition as `market export` writes it
    #[arg(value_name = "FILE.toml")]
    pub file: Option<PathBuf>,
    /// `SOL.haircut_init=30%`, `SOL.source=pyth-pull:FEED`, `SOL.second_source=none`, `market.delay=3d`, `role.guardian=..`
    #[arg(long = "set", value_name = "WHAT=VALUE")]
    pub set: Vec<String>,
    /// How long a rise at Target and Maint takes once the notice is over; at least the notice
    #[arg(long, value_name = "TIME")]
    pub ramp: Option<String>,
}

/// One assignment: whose, which, what.
type Assignment = (String, String, String);

/// What is wanted, by what a proposal can hold.
#[derive(Default)]
struct Sorted {
    assets: BTreeMap<u8, Vec<(Parameter, u64)>>,
    sources: BTreeMap<(u8, u8), Source>,
    market: Vec<(Parameter, u64)>,
    roles: Vec<(Role, Pubkey)>,
    model: Option<Proposal>,
}

impl Wanted {
    /// The proposals that lead from the market as it is to what is wanted, sources first.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what cannot be read, and when nothing would change.
    pub fn proposals(&self, chain: &OnChain) -> Result<Vec<Proposal>, Failure> {
        let mut filed = match &self.file {
            Some(path) => from_file(chain, path)?,
            None => Filed::default(),
        };
        for text in &self.set {
            filed.assignments.push(assignment(text)?);
        }
        if self.file.is_none() && filed.assignments.is_empty() {
            return Err(Failure::usage("name a file, or what to change with --set SOL.haircut_init=30%"));
        }
        let ramp = self.ramp.clone().or(filed.ramp);
        let ramp = match &ramp {
            Some(text) => seconds(text).and_then(|seconds| u32::try_from(seconds).ok()),
            None => Some(0),
        };
        let ramp = ramp.ok_or_else(|| Failure::usage("a ramp is a time such as 7d"))?;
        let mut sorted = Sorted::default();
        for proposal in filed.proposals {
            sorted.take_proposal(chain, proposal)?;
        }
        for (whose, which, value) in &filed.assignments {
            sorted.take(chain, whose, which, value)?;
        }
        for (asset, parameters) in &filed.assets {
            sorted.take_all(chain, asset, parameters)?;
        }
        let proposals: Vec<_> = sorted.proposals(chain, ramp).into_iter().filter(changes).collect();
        if proposals.is_empty() {
            return Err(Failure::usage("nothing would change: the market has these values already"));
        }
        Ok(proposals)
    }
}

/// Whether there is anything in it.
fn changes(proposal: &Proposal) -> bool {
    match proposal {
        Proposal::Parameters { edits, .. } => !edits.is_empty(),
        Proposal::Source { from, to, .. } => from != to,
        Proposal::Role { from, to, .. } => from != to,
        Proposal::Model { .. } => true,
    }
}

/// `WHOSE.WHICH=VALUE`.
fn assignment(text: &str) -> Result<Assignment, Failure> {
    let wrong = || Failure::usage(format!("{text} is not understood: write SOL.haircut_init=30% or market.delay=3d"));
    let (left, value) = text.split_once('=').ok_or_else(wrong)?;
    let (whose, which) = left.rsplit_once('.').ok_or_else(wrong)?;
    Ok((whose.trim().to_owned(), which.trim().to_owned(), value.trim().to_owned()))
}

/// What a file asks for beside the assignments.
#[derive(Default)]
struct Filed {
    ramp: Option<String>,
    assignments: Vec<Assignment>,
    /// By the asset's name.
    assets: Vec<(String, Values)>,
    /// Those of a whole definition.
    proposals: Vec<Proposal>,
}

/// Reads a whole definition, or a shorter file.
fn from_file(chain: &OnChain, path: &Path) -> Result<Filed, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(&error))?;
    if table.get("market").is_some_and(toml::Value::is_str) {
        return Ok(Filed { proposals: of_definition(chain, &text).map_err(|why| wrong(&why))?, ..Filed::default() });
    }
    let mut filed = Filed::default();
    for (key, value) in table {
        let entries = || value.as_table().ok_or_else(|| wrong(&format!("[{key}] is no table")));
        match key.as_str() {
            "ramp" => filed.ramp = Some(plain(&value).ok_or_else(|| wrong(&"ramp is a time such as \"7d\""))?),
            "assets" => {
                for (asset, values) in entries()? {
                    let values = values.as_table().ok_or_else(|| wrong(&format!("[assets.{asset}] is no table")))?;
                    let mut parameters = Values::new();
                    for (which, value) in values {
                        if !SOURCES.contains(&which.as_str()) {
                            parameters.insert(which.clone(), value.clone());
                            continue;
                        }
                        let value = plain(value).ok_or_else(|| wrong(&format!("{asset}.{which} is no text")))?;
                        filed.assignments.push((asset.clone(), which.clone(), value));
                    }
                    filed.assets.push((asset.clone(), parameters));
                }
            }
            "market" | "roles" => {
                for (which, value) in entries()? {
                    let value = plain(value).ok_or_else(|| wrong(&format!("{which} is neither text nor a number")))?;
                    filed.assignments.push((key.clone(), which.clone(), value));
                }
            }
            _ => return Err(wrong(&format!("{key} is not one of ramp, assets, market, roles"))),
        }
    }
    Ok(filed)
}

/// The changes that lead to a whole definition. Listing assets and ending the set-up are other commands.
fn of_definition(chain: &OnChain, text: &str) -> Result<Vec<Proposal>, String> {
    let definition = File::parse(text).and_then(|file| file.define()).map_err(|wrong| wrong.to_string())?;
    if let Some(address) = definition.address.filter(|address| *address != chain.address) {
        return Err(format!("this is the definition of market {address}"));
    }
    let steps = steps(&definition, Some(&chain.market)).map_err(|wrong| wrong.to_string())?;
    let mut proposals = vec![];
    for step in steps {
        match step {
            Step::Change(proposal) => proposals.push(*proposal),
            Step::List(_) => {
                return Err("it has assets that are not listed yet: ballast market list-asset comes first".to_owned());
            }
            Step::Model => {
                let model = definition.model.as_ref().map(|model| model.proposal(&chain.market));
                proposals.extend(model.transpose().map_err(|wrong| wrong.to_string())?);
            }
            Step::Create | Step::Open => {}
        }
    }
    Ok(proposals)
}

/// A value as text. Numbers with a point have to be written as text, so that nothing is rounded.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        _ => None,
    }
}

impl Sorted {
    /// What a whole definition asks for, so that it shares proposals with what is set beside it, and the ramp.
    fn take_proposal(&mut self, chain: &OnChain, proposal: Proposal) -> Result<(), Failure> {
        let wrong = |whose: &str, which: &str, why: &str| Failure::usage(format!("{whose}.{which}: {why}"));
        match proposal {
            Proposal::Parameters { asset, edits, .. } => {
                let whose = asset.map_or_else(|| "market".to_owned(), |index| asset_name(&chain.market, index));
                let list = match asset {
                    Some(index) => self.assets.entry(index).or_default(),
                    None => &mut self.market,
                };
                for edit in edits {
                    let parameter = Parameter::from_code(edit.parameter);
                    let parameter = parameter.ok_or_else(|| wrong(&whose, "?", "no such parameter"))?;
                    put(list, parameter, edit.to).map_err(|why| wrong(&whose, parameter.name(), why))?;
                }
            }
            Proposal::Source { asset, slot, to, .. } => {
                self.sources.insert((asset, slot), to);
            }
            Proposal::Role { role, to, .. } => {
                put(&mut self.roles, role, to).map_err(|why| wrong("role", role_name(role), why))?;
            }
            model @ Proposal::Model { .. } => self.model = Some(model),
        }
        Ok(())
    }

    /// Parameters of an asset as a definition has them, short forms included.
    fn take_all(&mut self, chain: &OnChain, asset: &str, parameters: &Values) -> Result<(), Failure> {
        let index = chain.asset(asset)?;
        let decimals = chain.market.assets[usize::from(index)].decimals;
        let read = values::read(Scope::Asset, decimals, parameters, asset);
        for (parameter, value) in read.map_err(|wrong| Failure::Usage(wrong.to_string()))? {
            put(self.assets.entry(index).or_default(), parameter, value)
                .map_err(|why| Failure::usage(format!("{asset}.{}: {why}", parameter.name())))?;
        }
        Ok(())
    }

    fn take(&mut self, chain: &OnChain, whose: &str, which: &str, value: &str) -> Result<(), Failure> {
        let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{whose}.{which}: {why}"));
        match whose {
            "market" => {
                let parameter = parameter(which, Scope::Market).map_err(|why| wrong(&why))?;
                let value = read(parameter, 0, value).map_err(|error| wrong(&error))?;
                put(&mut self.market, parameter, value).map_err(|why| wrong(&why))
            }
            "role" | "roles" => {
                let role = role_of(which).ok_or_else(|| wrong(&"the roles are governance, guardian, steward"))?;
                let key = if value == "nobody" { Ok(Pubkey::default()) } else { value.parse() };
                let key = key.map_err(|_| wrong(&format!("{value} is no address; nobody makes the role vacant")))?;
                put(&mut self.roles, role, key).map_err(|why| wrong(&why))
            }
            asset => {
                let index = chain.asset(asset)?;
                let slot = SOURCES.iter().position(|known| *known == which).and_then(|slot| u8::try_from(slot).ok());
                if let Some(slot) = slot {
                    let source = source(chain, value).map_err(|why| wrong(&why))?;
                    if self.sources.insert((index, slot), source).is_some() {
                        return Err(wrong(&"is set twice"));
                    }
                    return Ok(());
                }
                let parameter = parameter(which, Scope::Asset).map_err(|why| wrong(&why))?;
                let decimals = chain.market.assets[usize::from(index)].decimals;
                let value = read(parameter, decimals, value).map_err(|error| wrong(&error))?;
                put(self.assets.entry(index).or_default(), parameter, value).map_err(|why| wrong(&why))
            }
        }
    }

    fn proposals(self, chain: &OnChain, ramp: u32) -> Vec<Proposal> {
        let market = &chain.market;
        let mut proposals = vec![];
        // What a stake pool stands on comes before it.
        let (pools, others): (Vec<_>, Vec<_>) =
            self.sources.into_iter().partition(|(_, to)| to.kind() == SourceKind::StakePool);
        for ((asset, slot), to) in others.into_iter().chain(pools) {
            proposals.push(change::source(market, asset, slot, to));
        }
        for (asset, values) in self.assets {
            let parts = values.chunks(EDITS_AT_ONCE);
            proposals.extend(parts.map(|part| change::parameters_of_asset(market, asset, part, ramp)));
        }
        let parts = self.market.chunks(EDITS_AT_ONCE);
        proposals.extend(parts.map(|part| change::parameters_of_market(market, part)));
        proposals.extend(self.roles.into_iter().map(|(role, to)| change::role(market, role, to)));
        proposals.extend(self.model);
        proposals
    }
}

fn put<K: PartialEq, V>(list: &mut Vec<(K, V)>, key: K, value: V) -> Result<(), &'static str> {
    if list.iter().any(|(known, _)| *known == key) {
        return Err("is set twice");
    }
    list.push((key, value));
    Ok(())
}

fn parameter(name: &str, scope: Scope) -> Result<Parameter, String> {
    let mut known = Parameter::ALL.iter().filter(|parameter| parameter.scope() == scope);
    if let Some(found) = known.clone().find(|parameter| parameter.name() == name) {
        return Ok(*found);
    }
    let near = known.find(|parameter| parameter.name().contains(name) || name.contains(parameter.name()));
    let hint = near.map_or(String::new(), |near| format!("; do you mean {}?", near.name()));
    Err(format!("no such parameter{hint}"))
}

/// A role by its name.
pub fn role_of(name: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_name(*role) == name)
}

/// The name of a role.
pub const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Governance => "governance",
        Role::Guardian => "guardian",
        Role::Steward => "steward",
    }
}

/// `none`, or `KIND:KEY`, for a stake pool `stake-pool:ADDRESS@BASE`.
fn source(chain: &OnChain, text: &str) -> Result<Source, String> {
    if text == "none" {
        return Ok(Source::NONE);
    }
    let kinds = SourceKind::ALL.into_iter().map(kind_name).collect::<Vec<_>>().join(", ");
    let wrong = || format!("{text} is no source: write none, or KIND:KEY with a kind of {kinds}");
    let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
    let kind = SourceKind::ALL.into_iter().find(|known| kind_name(*known) == kind).ok_or_else(wrong)?;
    let (key, base) = match rest.split_once('@') {
        Some((key, base)) => (key, Some(base)),
        None => (rest, None),
    };
    let base = match (kind, base) {
        (SourceKind::StakePool, Some(base)) => chain.asset(base).map_err(|failure| failure.to_string())?,
        (SourceKind::StakePool, None) => return Err(format!("{text}: name the base asset: stake-pool:ADDRESS@SOL")),
        (_, Some(_)) => return Err(format!("{text}: only a stake pool has a base asset")),
        (_, None) => 0,
    };
    let key = feed(key).ok_or_else(|| format!("{key} is neither an address nor a feed id of 64 hexadecimal digits"))?;
    Ok(Source::new(kind, key, base))
}

/// An address in base 58, or a feed id in hexadecimal digits.
pub fn feed(text: &str) -> Option<Pubkey> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        return Pubkey::try_from(bytes?.as_slice()).ok();
    }
    text.parse().ok()
}
