//! What stands in a definition file. Unknown keys are errors.

use std::collections::BTreeMap;

use ballast_client::table::{Parameter, Scope};
use ballast_client::{MAX_ASSETS, Pubkey, SourceKind};
use serde::{Deserialize, Serialize};

use super::model::{Model, Row, Terms};
use super::values::{self, Values};
use super::{Cluster, Definition, Listed, Origin, Wrong};

/// Most decimals of a token that can be listed.
const MAX_DECIMALS: u8 = 18;
/// Bytes of a name.
const MAX_NAME: usize = 16;

/// A market, or a change to one that earlier files define: what is not named stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What people call it; files of the same market belong together.
    pub market: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// Of the market, by their names in the parameter table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: Values,
    /// Of correlation and stress.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Terms>,
    /// Parameters that several assets share.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, Values>,
    /// In the order in which they are listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetFile>,
}

/// Holders of the roles; `none` is nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub governance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardian: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steward: Option<String>,
}

impl Roles {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An asset.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AssetFile {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// `spl-token`, which it is by default, or `token-2022`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_program: Option<String>,
    /// Class whose parameters it takes over before its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_source: Option<SourceFile>,
    /// One for each factor of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loadings: Vec<String>,
    /// Volatility that no factor explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specific: Option<String>,
    /// One for each scenario of the model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shocks: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: Values,
}

/// A price source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// See [`kind_name`]; `none` removes a second source.
    pub kind: String,
    /// Id of the feed, 64 hexadecimal digits: the Pyth kinds but the push account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<String>,
    /// Address of the account: the other kinds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Name of the asset that a stake pool holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// How a kind of source is written.
pub const fn kind_name(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::None => "none",
        SourceKind::PythPull => "pyth-pull",
        SourceKind::PythPullCore => "pyth-pull-core",
        SourceKind::PythPush => "pyth-push",
        SourceKind::SwitchboardPull => "switchboard",
        SourceKind::StakePool => "stake-pool",
    }
}

impl File {
    /// # Errors
    /// [`Wrong`] for what is not TOML of this form.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        toml::from_str(text).map_err(|error| Wrong(error.to_string()))
    }

    /// As text.
    ///
    /// # Errors
    /// [`Wrong`] for values that TOML does not have.
    pub fn write(&self) -> Result<String, Wrong> {
        toml::to_string(self).map_err(|error| Wrong(error.to_string()))
    }

    /// This with a later file of the same market laid over it.
    ///
    /// # Errors
    /// [`Wrong`] for parameters that the table does not have.
    pub fn overlaid(mut self, later: Self) -> Result<Self, Wrong> {
        self.cluster = later.cluster.or(self.cluster);
        self.address = later.address.or(self.address);
        self.open = later.open.or(self.open);
        self.model = later.model.or(self.model);
        self.roles.governance = later.roles.governance.or(self.roles.governance);
        self.roles.guardian = later.roles.guardian.or(self.roles.guardian);
        self.roles.steward = later.roles.steward.or(self.roles.steward);
        self.parameters = values::overlaid(Scope::Market, &self.parameters, &later.parameters, "parameters")?;
        for (name, values) in later.classes {
            let known = self.classes.entry(name.clone()).or_default();
            *known = values::overlaid(Scope::Asset, known, &values, &format!("classes.{name}"))?;
        }
        for asset in later.assets {
            match self.assets.iter_mut().find(|known| known.name == asset.name) {
                Some(known) => known.overlay(asset)?,
                None => self.assets.push(asset),
            }
        }
        Ok(self)
    }

    /// The definition, checked.
    ///
    /// # Errors
    /// [`Wrong`] names the first place that is wrong.
    pub fn define(&self) -> Result<Definition, Wrong> {
        if self.assets.len() > MAX_ASSETS {
            return Err(Wrong::new("assets", format!("a market has {MAX_ASSETS} at most")));
        }
        let role = |place: &str, text: &Option<String>| text.as_deref().map(|text| holder(place, text)).transpose();
        let mut assets: Vec<Listed> = Vec::with_capacity(self.assets.len());
        for asset in &self.assets {
            let listed = self.asset(asset)?;
            if assets.iter().any(|other| other.name == listed.name || other.mint == listed.mint) {
                return Err(Wrong::new(&listed.name, "its name or mint is there twice"));
            }
            assets.push(listed);
        }
        Ok(Definition {
            market: self.market.clone(),
            cluster: self.cluster.unwrap_or_default(),
            address: self.address.as_deref().map(|text| key("address", text)).transpose()?,
            open: self.open.unwrap_or(false),
            roles: [
                role("roles.governance", &self.roles.governance)?,
                role("roles.guardian", &self.roles.guardian)?,
                role("roles.steward", &self.roles.steward)?,
            ],
            parameters: values::read(Scope::Market, 0, &self.parameters, "parameters")?,
            assets,
            model: self.model.as_ref().map(|terms| self.model(terms)).transpose()?,
        })
    }

    fn model(&self, terms: &Terms) -> Result<Model, Wrong> {
        let terms = terms.read().map_err(|why| Wrong::new("model", why))?;
        let mut rows = Vec::with_capacity(self.assets.len());
        for AssetFile { name, loadings, specific, shocks, .. } in &self.assets {
            let row = Row { loadings: loadings.clone(), specific: specific.clone(), shocks: shocks.clone() };
            let (loadings, shocks) = row.read(&terms).map_err(|why| Wrong::new(name, why))?;
            rows.push((name.clone(), loadings, shocks));
        }
        Ok(Model { terms, rows })
    }

    fn asset(&self, asset: &AssetFile) -> Result<Listed, Wrong> {
        let name = &asset.name;
        if name.is_empty() || name.len() > MAX_NAME {
            return Err(Wrong::new(name, format!("a name has 1 to {MAX_NAME} bytes")));
        }
        let missing = |what: &str| Wrong::new(name, format!("{what} is missing"));
        let decimals = asset.decimals.ok_or_else(|| missing("decimals"))?;
        if decimals > MAX_DECIMALS {
            return Err(Wrong::new(name, format!("a token has {MAX_DECIMALS} decimals at most")));
        }
        let token_2022 = match asset.token_program.as_deref() {
            None | Some("spl-token") => false,
            Some("token-2022") => true,
            Some(other) => {
                return Err(Wrong::new(name, format!("token_program is spl-token or token-2022, not {other}")));
            }
        };
        let read = |values: &Values, place: &str| values::read(Scope::Asset, decimals, values, place);
        let mut parameters: Vec<(Parameter, u64)> = Vec::new();
        if let Some(class) = &asset.class {
            let values =
                self.classes.get(class).ok_or_else(|| Wrong::new(name, format!("there is no class {class}")))?;
            parameters = read(values, &format!("classes.{class}"))?;
        }
        let own = read(&asset.parameters, name)?;
        parameters.retain(|(parameter, _)| !own.iter().any(|(other, _)| other == parameter));
        parameters.extend(own);
        parameters.sort_by_key(|(parameter, _)| parameter.code());
        let source = |source: &Option<SourceFile>| source.as_ref().map(|source| source.origin(name)).transpose();
        Ok(Listed {
            name: name.clone(),
            mint: key(name, asset.mint.as_deref().ok_or_else(|| missing("mint"))?)?,
            decimals,
            token_2022,
            sources: [source(&asset.source)?, source(&asset.second_source)?],
            parameters,
        })
    }
}

impl AssetFile {
    fn overlay(&mut self, later: Self) -> Result<(), Wrong> {
        self.mint = later.mint.or(self.mint.take());
        self.decimals = later.decimals.or(self.decimals);
        self.token_program = later.token_program.or(self.token_program.take());
        self.class = later.class.or(self.class.take());
        self.source = later.source.or(self.source.take());
        self.second_source = later.second_source.or(self.second_source.take());
        self.specific = later.specific.or(self.specific.take());
        if !later.loadings.is_empty() {
            self.loadings = later.loadings;
        }
        if !later.shocks.is_empty() {
            self.shocks = later.shocks;
        }
        self.parameters = values::overlaid(Scope::Asset, &self.parameters, &later.parameters, &self.name)?;
        Ok(())
    }
}

impl SourceFile {
    fn origin(&self, asset: &str) -> Result<Origin, Wrong> {
        let place = format!("{asset}: source");
        let kind = SourceKind::ALL.into_iter().find(|kind| kind_name(*kind) == self.kind);
        let kind = kind.ok_or_else(|| {
            let names = SourceKind::ALL.map(kind_name).join(", ");
            Wrong::new(&place, format!("{} is no kind; there are {names}", self.kind))
        })?;
        let by_feed = matches!(kind, SourceKind::PythPull | SourceKind::PythPullCore);
        let key = match (&self.feed, &self.address) {
            (None, None) if kind == SourceKind::None => Pubkey::default(),
            (Some(feed), None) if by_feed => feed_id(&place, feed)?,
            (None, Some(address)) if !by_feed && kind != SourceKind::None => key(&place, address)?,
            _ => {
                let needed = if by_feed { "feed" } else { "address" };
                return Err(Wrong::new(&place, format!("{} takes {needed} and nothing else", self.kind)));
            }
        };
        if self.base.is_some() != (kind == SourceKind::StakePool) {
            return Err(Wrong::new(&place, "base belongs to a stake-pool, and every stake-pool has one"));
        }
        Ok(Origin { kind, key, base: self.base.clone() })
    }

    /// The way back.
    pub fn of(origin: &Origin) -> Self {
        let hex = || origin.key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (feed, address) = match origin.kind {
            SourceKind::None => (None, None),
            SourceKind::PythPull | SourceKind::PythPullCore => (Some(hex()), None),
            _ => (None, Some(origin.key.to_string())),
        };
        Self { kind: kind_name(origin.kind).to_owned(), feed, address, base: origin.base.clone() }
    }
}

fn key(place: &str, text: &str) -> Result<Pubkey, Wrong> {
    text.parse().map_err(|_| Wrong::new(place, format!("{text} is not an address")))
}

fn holder(place: &str, text: &str) -> Result<Pubkey, Wrong> {
    if text == "none" { Ok(Pubkey::default()) } else { key(place, text) }
}

fn feed_id(place: &str, text: &str) -> Result<Pubkey, Wrong> {
    let wrong = || Wrong::new(place, format!("{text} is no feed id: 64 hexadecimal digits"));
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).map_err(|_| wrong());
    let bytes = (0..32).map(byte).collect::<Result<Vec<_>, _>>()?;
    Pubkey::try_from(bytes.as_slice()).map_err(|_| wrong())
}
