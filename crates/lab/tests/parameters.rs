//! The table of parameters in the book says what the table of the program says.

use ballast_lab::tables::parameters;
use ballast_lab::text::duration;
use ballast_risk::table::{Parameter, Scope};

/// The rows of a section, without its heads.
fn rows(text: &str, title: &str) -> Vec<String> {
    let (_, section) = text.split_once(&format!("### {title}\n")).expect("the section");
    let section = section.split("### ").next().expect("its text");
    section.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

#[test]
fn every_parameter_has_one_line_in_its_section() {
    let text = parameters();
    let sections = [(Scope::Asset, "Of an asset"), (Scope::Market, "Of the market")];
    let mut count = 0;
    for (scope, title) in sections {
        let rows = rows(&text, title);
        count += rows.len();
        for parameter in Parameter::ALL {
            let start = format!("| `{}` |", parameter.name());
            let found = rows.iter().filter(|row| row.starts_with(&start)).count();
            assert_eq!(found, usize::from(parameter.scope() == scope), "{} in {title}", parameter.name());
        }
    }
    assert_eq!(count, Parameter::ALL.len());
}

#[test]
fn lines_read_well() {
    let text = parameters();
    let line = |name: &str| text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).expect("a line");
    for (name, rest) in [
        ("deposit_cap", "native units | any | down | any | double | 1 day | 1/10 | –"),
        ("vault_debt_share", "part, 2<sup>-32</sup> | above 0 % to 100 % | down | any | any | 1 day | – | –"),
        ("haircut_init", "part, 2<sup>-32</sup> | 0 % to 100 % | up | any | any | 1 day | 1 point | –"),
        ("haircut_maint", "part, 2<sup>-32</sup> | 0 % to 100 % | up | 10 points | 10 points | 1 day | – | yes"),
        ("bonus_most", "part, 2<sup>-32</sup> | 0 % to 25 % | neither | – | 2 points | 1 day | – | –"),
        ("outflow_period", "seconds | 1 h to 1 day | up | any | half to double | 7 days | – | –"),
        ("confidence_multiple", "multiple, hundredths | 1 to 10 | up | any | any | 1 day | – | –"),
        ("conservative", "0 is no, 1 is yes | no to yes | up | any | any | 1 day | – | –"),
        ("delay", "seconds | 1 day to 14 days | up | any | half to double | 7 days | – | –"),
        ("first_cap", "micro-dollars | above $0 to $10,000,000 | down | any | half to double | 1 day | – | –"),
    ] {
        assert_eq!(line(name), format!("| `{name}` | {rest} |"));
    }
    assert!(line("calibrated_variance").contains("| any; 0 is off |"));
    assert!(line("rate_0").contains("| 0 % a year to 1,503.75 % a year |"));
}

#[test]
fn durations_read_well() {
    let read = [0, 1, 60, 90, 600, 3_600, 86_400, 90_000, 604_800].map(duration);
    assert_eq!(read, ["0 s", "1 s", "1 min", "90 s", "10 min", "1 h", "1 day", "25 h", "7 days"]);
}
