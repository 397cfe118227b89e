//! Parameters in a definition: by their names in the table, and in short forms for what belongs together.
//!
//! `haircut` and `addon` are Init, Target and Maint, `bonus` is least, most and slope, `curve` is a list of points
//! (utilisation, yearly rate) from 0% to 100%.

use std::collections::BTreeMap;

use ballast_client::measure;
use ballast_client::table::{Parameter, Scope};
use toml::Value;

use super::Wrong;

/// What stands in a file.
pub type Values = BTreeMap<String, Value>;

/// Points of a curve.
const POINTS: u8 = 8;
/// Short forms of three parameters.
const TRIPLES: [(&str, [Parameter; 3]); 3] = [
    ("haircut", [Parameter::HaircutInit, Parameter::HaircutTarget, Parameter::HaircutMaint]),
    ("addon", [Parameter::AddonInit, Parameter::AddonTarget, Parameter::AddonMaint]),
    ("bonus", [Parameter::BonusLeast, Parameter::BonusMost, Parameter::BonusSlope]),
];

/// Point `at` of the curve.
fn point(at: u8) -> Option<[Parameter; 2]> {
    let of = |first: Parameter| Parameter::from_code(first.code() + at);
    Some([of(Parameter::Utilisation0)?, of(Parameter::Rate0)?])
}

/// The values of a file in the units of the table, by code.
///
/// # Errors
/// [`Wrong`] for a name that the table does not have, a text that is no value, a value out of its range, and for what is
/// there twice.
pub fn read(scope: Scope, decimals: u8, values: &Values, place: &str) -> Result<Vec<(Parameter, u64)>, Wrong> {
    let mut read = Vec::new();
    for (parameter, value) in singles(scope, values, place)? {
        let place = format!("{place}.{}", parameter.name());
        read.push((parameter, number(parameter, decimals, &value, &place)?));
    }
    read.sort_by_key(|(parameter, _)| parameter.code());
    Ok(read)
}

/// Values with others laid over them, each parameter by its own name.
///
/// # Errors
/// [`Wrong`] for a name that the table does not have, and for what one of the two has twice.
pub fn overlaid(scope: Scope, values: &Values, later: &Values, place: &str) -> Result<Values, Wrong> {
    let mut all = singles(scope, values, place)?;
    let later = singles(scope, later, place)?;
    all.retain(|(parameter, _)| !later.iter().any(|(other, _)| other == parameter));
    all.extend(later);
    Ok(all.into_iter().map(|(parameter, value)| (parameter.name().to_owned(), value)).collect())
}

/// Each parameter with its own value.
fn singles(scope: Scope, values: &Values, place: &str) -> Result<Vec<(Parameter, Value)>, Wrong> {
    let mut singles: Vec<(Parameter, Value)> = Vec::new();
    for (name, value) in values {
        let place = format!("{place}.{name}");
        for (parameter, value) in parts(scope, name, value, &place)? {
            if singles.iter().any(|(other, _)| *other == parameter) {
                return Err(Wrong::new(place, format!("{} is there twice", parameter.name())));
            }
            singles.push((parameter, value));
        }
    }
    Ok(singles)
}

/// The parameters that a key stands for, each with its own value.
fn parts(scope: Scope, name: &str, value: &Value, place: &str) -> Result<Vec<(Parameter, Value)>, Wrong> {
    if scope == Scope::Asset && name == "curve" {
        return curve(value, place);
    }
    if let Some((_, triple)) = TRIPLES.iter().find(|(short, _)| scope == Scope::Asset && *short == name) {
        let list = value.as_array().filter(|list| list.len() == 3);
        let list = list.ok_or_else(|| Wrong::new(place, "a list of three values is expected"))?;
        return Ok(triple.iter().copied().zip(list.iter().cloned()).collect());
    }
    let found = Parameter::ALL.iter().find(|known| known.name() == name && known.scope() == scope);
    let parameter =
        found.ok_or_else(|| Wrong::new(place, "there is no such parameter here; see the parameter table"))?;
    Ok(vec![(*parameter, value.clone())])
}

/// Unused points repeat the last.
fn curve(value: &Value, place: &str) -> Result<Vec<(Parameter, Value)>, Wrong> {
    let wrong = || Wrong::new(place, format!("1 to {POINTS} points [utilisation, yearly rate] are expected"));
    let points = value.as_array().ok_or_else(wrong)?;
    let last = points.last().filter(|_| points.len() <= usize::from(POINTS)).ok_or_else(wrong)?;
    let mut parts = Vec::new();
    for at in 0..POINTS {
        let pair = points.get(usize::from(at)).unwrap_or(last).as_array().filter(|pair| pair.len() == 2);
        let pair = pair.ok_or_else(wrong)?;
        parts.extend(point(at).ok_or_else(wrong)?.into_iter().zip(pair.iter().cloned()));
    }
    Ok(parts)
}

fn number(parameter: Parameter, decimals: u8, value: &Value, place: &str) -> Result<u64, Wrong> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(on) => if *on { "yes" } else { "no" }.to_owned(),
        other => return Err(Wrong::new(place, format!("{other} is no value; write it in quotes"))),
    };
    let number = measure::read(parameter, decimals, &text).map_err(|error| Wrong::new(place, error))?;
    let row = parameter.row();
    if !row.allows(number) {
        let bound = |value| measure::write(parameter, decimals, value);
        let range = format!("{text} is out of its range, {} to {}", bound(row.least), bound(row.most));
        return Err(Wrong::new(place, range));
    }
    Ok(number)
}

/// The way back: everything that [`read`] would read as the same numbers, in the short forms.
pub fn write(scope: Scope, decimals: u8, value: impl Fn(Parameter) -> Option<u64>) -> Values {
    let text = |parameter: Parameter| {
        let number = value(parameter).unwrap_or(0);
        Value::String(measure::write(parameter, decimals, number))
    };
    let mut values = Values::new();
    let mut short: Vec<Parameter> = Vec::new();
    if scope == Scope::Asset {
        for (name, triple) in TRIPLES {
            values.insert(name.to_owned(), Value::Array(triple.map(text).into()));
            short.extend(triple);
        }
        let mut points: Vec<[Parameter; 2]> = (0..POINTS).filter_map(point).collect();
        short.extend(points.iter().flatten());
        let same = |a: &[Parameter; 2], b: &[Parameter; 2]| a.map(&value) == b.map(&value);
        while let [.., before, last] = points.as_slice()
            && same(before, last)
        {
            points.pop();
        }
        let curve = points.into_iter().map(|point| Value::Array(point.map(text).into())).collect();
        values.insert("curve".to_owned(), Value::Array(curve));
    }
    let rest = Parameter::ALL.iter().filter(|known| known.scope() == scope && !short.contains(known));
    values.extend(rest.map(|parameter| (parameter.name().to_owned(), text(*parameter))));
    values
}
