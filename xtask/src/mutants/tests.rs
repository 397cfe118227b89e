use super::accepted::Accepted;
use super::alone;
use super::report::{Counts, Mutant, Report};

const ACCEPTED: &str = "\
# A comment.
[[survivor]]
mutant = \"crates/risk/src/fixed.rs: replace < with <= in half\"
at = '< \"b\" || a'
reason = \"the same either way\"
";

fn mutant(line: &str, source: &str) -> Mutant {
    Mutant::parse(line).and_then(|mutant| mutant.located(source)).unwrap()
}

#[test]
fn a_mutant_is_named_by_what_stays_when_lines_move() {
    let found = mutant("crates/risk/src/fixed.rs:2:5: replace < with <= in half", "fn x()\n  a < \"b\" || a\n");
    assert_eq!(found.name(), "crates/risk/src/fixed.rs: replace < with <= in half");
    assert_eq!((found.line, found.column, found.at.as_str()), (2, 5, "< \"b\" || a"));
    let accepted = Accepted::parse(ACCEPTED).unwrap();
    assert_eq!(accepted.reason(&found), Some("the same either way"));
    assert_eq!(accepted.reason(&Mutant { at: "< c".to_owned(), ..found }), None);
}

#[test]
fn a_path_in_a_type_belongs_to_the_change() {
    let found = Mutant::parse("a.rs:7:9: replace f -> Result<x::Y> with Ok(Default::default())").unwrap();
    assert_eq!(found.change, "replace f -> Result<x::Y> with Ok(Default::default())");
    assert!(Mutant::parse("no mutant").is_err());
    assert!(found.located("one line").is_err());
}

#[test]
fn entries_are_whole() {
    assert!(Accepted::parse("[[survivor]]\nmutant = 'a'\nat = 'b'\n").is_err(), "no reason");
    assert!(Accepted::parse("mutant = 'a'\n").is_err(), "no entry");
    assert!(Accepted::parse("[[survivor]]\nmutant = \"a \\\" b\"\n").is_err(), "an escape");
    assert!(Accepted::parse("[[survivor]]\nmutants = 'a'\n").is_err(), "an unknown key");
}

#[test]
fn unviable_mutants_do_not_count() {
    assert!((Counts { caught: 7, timeout: 2, missed: 1, unviable: 90 }.score() - 90.0).abs() < 1e-9);
    assert!((Counts::default().score() - 100.0).abs() < 1e-9);
}

#[test]
fn the_report_counts_per_file_and_names_survivors() {
    let folder = std::env::temp_dir().join(format!("ballast-mutants-report-{}", std::process::id()));
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    write("a.rs", "x < 1 | y\n");
    write("caught.txt", "a.rs:1:3: replace < with ==\nb.rs:1:1: replace f with ()\n");
    write("unviable.txt", "b.rs:4:1: replace g with ()\n");
    write("missed.txt", "a.rs:1:3: replace < with <=\n");
    let report = Report::read(&folder, &folder);
    std::fs::remove_dir_all(&folder).unwrap();

    let (report, nobody) = (report.unwrap(), Accepted::parse("").unwrap());
    assert_eq!(report.total(), Counts { caught: 2, timeout: 0, missed: 1, unviable: 1 });
    let text = report.text(&nobody);
    assert!(text.contains("| a.rs | 2 | 1 | 0 | 1 | 0 | 50.0 % |\n"), "{text}");
    assert!(text.contains("| all | 4 | 2 | 0 | 1 | 1 | 66.7 % |\n"), "{text}");
    assert!(text.contains("| a.rs:1 | `replace < with <=` | `< 1 \\| y` | **none** |\n"), "{text}");
    assert_eq!(report.without_reason(&nobody).len(), 1);

    let reason = "[[survivor]]\nmutant = 'a.rs: replace < with <='\nat = '< 1 | y'\nreason = 'y'\n";
    let accepted = Accepted::parse(reason).unwrap();
    assert!(report.without_reason(&accepted).is_empty() && report.reasons_for_nothing(&accepted).is_empty());
    let other = Accepted::parse(ACCEPTED).unwrap();
    assert_eq!(report.reasons_for_nothing(&other).len(), 1);
}

#[test]
fn one_member_is_left() {
    let manifest = "[workspace]\nmembers = [\"a\", \"b\"]\ndefault-members = [\"a\"]\n\n[profile.dev]";
    assert_eq!(alone(manifest).unwrap(), "[workspace]\nmembers = [\"crates/risk\"]\n\n[profile.dev]");
    assert!(alone("[workspace]\nmembers = [\n\"a\",\n]\nmembers = []").is_err());
}
