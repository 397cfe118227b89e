//! The file's numbers. Each record lists its fields once; writing, reading and the names in the file's header follow.

use anyhow::{Context, Result, bail, ensure};
use ballast_client::risk::model::Sensitivities;
use ballast_client::risk::{Amount, Fraction, Usd, liquidation::Liquidation};
use ballast_client::{Asset, BindingView, LevelView, Market};
use serde_json::Value;

/// A field as JSON. What has 64 bits or more is a decimal string, because JavaScript's numbers have 53.
pub trait Field {
    fn json(&self) -> Value;
    fn read(&mut self, from: &Value) -> Result<()>;
}

macro_rules! number {
    ($($name:ty),*) => { $(impl Field for $name {
        fn json(&self) -> Value {
            Value::from(*self)
        }

        fn read(&mut self, from: &Value) -> Result<()> {
            let number = from.as_i64().with_context(|| format!("{from} is no number"))?;
            *self = Self::try_from(number).with_context(|| format!("{from} is out of range"))?;
            Ok(())
        }
    })* };
}

macro_rules! text {
    ($($name:ty),*) => { $(impl Field for $name {
        fn json(&self) -> Value {
            Value::from(self.to_string())
        }

        fn read(&mut self, from: &Value) -> Result<()> {
            let text = from.as_str().with_context(|| format!("{from} is no decimal string"))?;
            *self = text.parse().with_context(|| format!("{from} is no number"))?;
            Ok(())
        }
    })* };
}

number!(u8, u16, u32, i32);
text!(u64, i64, u128);

impl Field for bool {
    fn json(&self) -> Value {
        Value::from(*self)
    }

    fn read(&mut self, from: &Value) -> Result<()> {
        *self = from.as_bool().with_context(|| format!("{from} is neither true nor false"))?;
        Ok(())
    }
}

impl<T: Field, const N: usize> Field for [T; N] {
    fn json(&self) -> Value {
        self.iter().map(Field::json).collect()
    }

    fn read(&mut self, from: &Value) -> Result<()> {
        let items = from.as_array().with_context(|| format!("{from} is no list"))?;
        ensure!(items.len() == N, "{from} does not have {N} entries");
        self.iter_mut().zip(items).try_for_each(|(field, item)| field.read(item))
    }
}

impl Field for BindingView {
    fn json(&self) -> Value {
        Value::from(format!("{self:?}"))
    }

    fn read(&mut self, from: &Value) -> Result<()> {
        *self = match from.as_str() {
            Some("Haircuts") => Self::Haircuts,
            Some("Portfolio") => Self::Portfolio,
            Some("Stress") => Self::Stress,
            _ => bail!("{from} is no requirement"),
        };
        Ok(())
    }
}

/// Sees the fields of a record in their order.
pub trait Visitor {
    fn field(&mut self, name: &'static str, field: &mut dyn Field);
}

/// A record of the file: a list of fields.
pub trait Record: Clone {
    fn visit(&mut self, visitor: &mut impl Visitor);

    fn names(&self) -> Vec<&'static str> {
        struct Names(Vec<&'static str>);
        impl Visitor for Names {
            fn field(&mut self, name: &'static str, _: &mut dyn Field) {
                self.0.push(name);
            }
        }
        let mut names = Names(vec![]);
        self.clone().visit(&mut names);
        names.0
    }

    fn json(&self) -> Value {
        struct Writer(Vec<Value>);
        impl Visitor for Writer {
            fn field(&mut self, _: &'static str, field: &mut dyn Field) {
                self.0.push(field.json());
            }
        }
        let mut writer = Writer(vec![]);
        self.clone().visit(&mut writer);
        Value::from(writer.0)
    }

    fn read(&mut self, from: &Value) -> Result<()> {
        struct Reader<'a>(std::slice::Iter<'a, Value>, Result<()>);
        impl Visitor for Reader<'_> {
            fn field(&mut self, name: &'static str, field: &mut dyn Field) {
                if self.1.is_ok() {
                    let value = self.0.next().with_context(|| format!("no {name}"));
                    self.1 = value.and_then(|value| field.read(value)).with_context(|| name);
                }
            }
        }
        let items = from.as_array().with_context(|| format!("{from} is no record"))?;
        let mut reader = Reader(items.iter(), Ok(()));
        self.visit(&mut reader);
        ensure!(reader.0.next().is_none(), "a record is too long");
        reader.1
    }
}

impl Record for Market {
    fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.field("dust", &mut self.dust);
        visitor.field("change_start", &mut self.change_start);
        visitor.field("change_end", &mut self.change_end);
        visitor.field("change_reciprocal", &mut self.change_reciprocal);
        visitor.field("valid_until", &mut self.valid_until);
        visitor.field("fallback_until", &mut self.fallback_until);
        visitor.field("fallback_reciprocal", &mut self.fallback_reciprocal);
        let [current, previous] = &mut self.terms;
        for (terms, names) in [(current, CURRENT), (previous, PREVIOUS)] {
            let [netting, factors, scenarios, tail, floor, lambdas, multipliers] = names;
            visitor.field(netting, &mut terms.netting);
            visitor.field(factors, &mut terms.factors);
            visitor.field(scenarios, &mut terms.scenarios);
            visitor.field(tail, &mut terms.tail);
            visitor.field(floor, &mut terms.floor);
            visitor.field(lambdas, &mut terms.lambdas);
            visitor.field(multipliers, &mut terms.multipliers);
        }
    }
}

/// The names of a model's terms, and of those that it replaces.
const CURRENT: [&str; 7] = ["netting", "factors", "scenarios", "tail", "floor", "lambdas", "multipliers"];
const PREVIOUS: [&str; 7] = [
    "previous_netting",
    "previous_factors",
    "previous_scenarios",
    "previous_tail",
    "previous_floor",
    "previous_lambdas",
    "previous_multipliers",
];

/// An asset with the decimal number that its price was made from.
#[derive(Clone)]
pub struct AssetCase {
    pub asset: Asset,
    /// 0: never priced.
    pub number: u64,
    pub exponent: i32,
}

impl Record for AssetCase {
    fn visit(&mut self, visitor: &mut impl Visitor) {
        let Self { asset, number, exponent } = self;
        visitor.field("number", number);
        visitor.field("exponent", exponent);
        visitor.field("decimals", &mut asset.decimals);
        visitor.field("spot", &mut asset.spot);
        visitor.field("average", &mut asset.average);
        visitor.field("low", &mut asset.low);
        visitor.field("high", &mut asset.high);
        visitor.field("price_shifts", &mut asset.price_shifts);
        visitor.field("usable_until", &mut asset.usable_until);
        visitor.field("init_until", &mut asset.init_until);
        visitor.field("deposit_shares", &mut asset.deposit_shares);
        visitor.field("debt_shares", &mut asset.debt_shares);
        visitor.field("supply_index", &mut asset.supply_index);
        visitor.field("borrow_index", &mut asset.borrow_index);
        visitor.field("supply_rate", &mut asset.supply_rate);
        visitor.field("borrow_rate", &mut asset.borrow_rate);
        visitor.field("accrued_at", &mut asset.accrued_at);
        visitor.field("units", &mut asset.units);
        visitor.field("unit_shifts", &mut asset.unit_shifts);
        visitor.field("haircuts_before", &mut asset.haircuts_before);
        visitor.field("haircuts", &mut asset.haircuts);
        visitor.field("addons_before", &mut asset.addons_before);
        visitor.field("addons", &mut asset.addons);
        visitor.field("ramp_start", &mut asset.ramp_start);
        visitor.field("ramp_end", &mut asset.ramp_end);
        visitor.field("ramp_reciprocal", &mut asset.ramp_reciprocal);
        visitor.field("volatility", &mut asset.volatility);
        visitor.field("depth", &mut asset.depth);
        visitor.field("depth_reciprocal", &mut asset.depth_reciprocal);
        visitor.field("depth_shift", &mut asset.depth_shift);
        visitor.field("depth_before", &mut asset.depth_before);
        visitor.field("depth_before_reciprocal", &mut asset.depth_before_reciprocal);
        visitor.field("depth_before_shift", &mut asset.depth_before_shift);
        visitor.field("bonus_least", &mut asset.bonus_least);
        visitor.field("bonus_most", &mut asset.bonus_most);
        visitor.field("bonus_slope", &mut asset.bonus_slope);
        visitor.field("bonus_reserve", &mut asset.bonus_reserve);
        let names = [["loadings", "specific", "shocks"], ["previous_loadings", "previous_specific", "previous_shocks"]];
        for (columns, [loadings, specific, shocks]) in asset.columns.iter_mut().zip(names) {
            let mut moves = Sensitivities::from_columns(columns);
            visitor.field(loadings, &mut moves.loadings);
            visitor.field(specific, &mut moves.specific);
            visitor.field(shocks, &mut moves.shocks);
            *columns = moves.columns();
        }
    }
}

impl Record for LevelView {
    fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.field("passes", &mut self.passes);
        visitor.field("binding", &mut self.binding);
        visitor.field("assets", &mut self.assets);
        visitor.field("debts", &mut self.debts);
        visitor.field("equity", &mut self.equity);
        visitor.field("haircuts", &mut self.haircuts);
        visitor.field("floor", &mut self.floor);
        visitor.field("portfolio_squared", &mut self.portfolio_squared);
        visitor.field("stress", &mut self.stress);
        visitor.field("worst_scenario", &mut self.worst_scenario);
        visitor.field("requirement", &mut self.requirement);
    }
}

/// The liquidation that gains the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub debt_asset: u8,
    pub collateral_asset: u8,
    /// What the liquidator pays at most, native units.
    pub most: u64,
    pub repay: u64,
    pub to_reserve: u64,
    pub seize: u64,
    pub repaid_value: u64,
    pub seized_value: u64,
    pub bonus: u32,
}

impl Plan {
    pub fn new(debt_asset: u8, collateral_asset: u8, most: u64, moved: &Liquidation) -> Self {
        let Liquidation { repay, to_reserve, seize, repaid_value, seized_value, bonus } = *moved;
        let [repay, to_reserve, seize] = [repay, to_reserve, seize].map(Amount::get);
        let (repaid_value, seized_value) = (Usd::get(repaid_value), Usd::get(seized_value));
        let bonus = Fraction::get(bonus);
        Self { debt_asset, collateral_asset, most, repay, to_reserve, seize, repaid_value, seized_value, bonus }
    }
}

impl Record for Plan {
    fn visit(&mut self, visitor: &mut impl Visitor) {
        visitor.field("debt_asset", &mut self.debt_asset);
        visitor.field("collateral_asset", &mut self.collateral_asset);
        visitor.field("most", &mut self.most);
        visitor.field("repay", &mut self.repay);
        visitor.field("to_reserve", &mut self.to_reserve);
        visitor.field("seize", &mut self.seize);
        visitor.field("repaid_value", &mut self.repaid_value);
        visitor.field("seized_value", &mut self.seized_value);
        visitor.field("bonus", &mut self.bonus);
    }
}
