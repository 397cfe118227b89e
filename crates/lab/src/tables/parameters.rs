//! The parameter table of the program, in units that people use.

use ballast_risk::Rate;
use ballast_risk::table::{Measure, Parameter, Row, Scope, Step, Tightens};

use crate::text::{Table, dollars, duration, grouped, percent};

/// One section for each scope.
pub fn parameters() -> String {
    let sections = [(Scope::Asset, "Of an asset"), (Scope::Market, "Of the market")];
    sections.map(|(scope, title)| format!("### {title}\n\n{}", section(scope))).join("\n")
}

fn section(scope: Scope) -> String {
    let mut table = Table::of_text(&[
        "parameter",
        "measure",
        "range",
        "tightens",
        "largest tightening",
        "largest other change",
        "least delay",
        "steward",
        "ramp",
    ]);
    for parameter in Parameter::ALL.iter().filter(|parameter| parameter.scope() == scope) {
        let (measure, row) = (parameter.measure(), parameter.row());
        let tightening = match row.tightens {
            Tightens::Never => String::from("–"),
            Tightens::Up | Tightens::Down => step(measure, row.tightening),
        };
        table.row(&[
            format!("`{}`", parameter.name()),
            unit(measure).to_owned(),
            range(measure, row),
            direction(row.tightens).to_owned(),
            tightening,
            step(measure, row.step),
            duration(u64::from(row.delay)),
            step(measure, row.steward),
            if row.ramps { "yes" } else { "–" }.to_owned(),
        ]);
    }
    table.finish()
}

/// What the number counts, and the unit that it is stored in.
const fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::Native => "native units",
        Measure::Fraction => "part, 2<sup>-32</sup>",
        Measure::Rate => "rate per second, 2<sup>-52</sup>",
        Measure::Variance => "variance per second, 2<sup>-64</sup>",
        Measure::Times => "multiple, 2<sup>-16</sup>",
        Measure::Hundredths => "multiple, hundredths",
        Measure::Seconds => "seconds",
        Measure::MicroDollars => "micro-dollars",
        Measure::PicoDollars => "10<sup>-12</sup> dollars for a token",
        Measure::Count => "number",
        Measure::Switch => "0 is no, 1 is yes",
    }
}

const fn direction(tightens: Tightens) -> &'static str {
    match tightens {
        Tightens::Up => "up",
        Tightens::Down => "down",
        Tightens::Never => "neither",
    }
}

fn range(measure: Measure, row: &Row) -> String {
    let least = match value(measure, row.least) {
        text if row.least > 0 && text == value(measure, 0) => format!("above {text}"),
        text => text,
    };
    let text = match row.most {
        u64::MAX if row.least <= 1 => String::from("any"),
        u64::MAX => format!("from {least} on"),
        most => format!("{least} to {}", value(measure, most)),
    };
    if row.zero_is_off { format!("{text}; 0 is off") } else { text }
}

fn step(measure: Measure, step: Step) -> String {
    match step {
        Step::Any => String::from("any"),
        // The difference of two percentages.
        Step::By(most) if matches!(measure, Measure::Fraction | Measure::Rate) => {
            let points = value(measure, most);
            match points.split_once(" %").map_or(points.as_str(), |(points, _)| points) {
                "1" => String::from("1 point"),
                points => format!("{points} points"),
            }
        }
        Step::By(most) => value(measure, most),
        Step::Double => String::from("half to double"),
        Step::Growth => String::from("double"),
        Step::Part(parts) => format!("1/{parts}"),
        Step::None => String::from("–"),
    }
}

/// A number of the table as people write it.
fn value(measure: Measure, number: u64) -> String {
    match measure {
        Measure::Fraction => percent(basis_points(number, 32)),
        Measure::Rate => format!("{} a year", percent(basis_points(number.saturating_mul(Rate::YEAR), 52))),
        Measure::Times => grouped((number + (1 << 15)) >> 16),
        Measure::Hundredths => grouped(number / 100),
        Measure::Seconds => duration(number),
        Measure::MicroDollars => format!("${}", dollars(i64::try_from(number).unwrap_or(i64::MAX))),
        Measure::PicoDollars => format!("${}", grouped(number / 1_000_000_000_000)),
        Measure::Switch => if number == 0 { "no" } else { "yes" }.to_owned(),
        Measure::Native | Measure::Variance | Measure::Count => grouped(number),
    }
}

/// A number of so many binary places in hundredths of a percent, to the nearest.
fn basis_points(number: u64, places: u32) -> i64 {
    let bps = (u128::from(number) * 10_000 + (1 << (places - 1))) >> places;
    i64::try_from(bps).unwrap_or(i64::MAX)
}
