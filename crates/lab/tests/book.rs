//! The book holds together: its links lead somewhere, its sources exist, no page is forgotten.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ballast_risk::table::Parameter;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All pages by their path below `docs/src`, without what is generated.
fn pages() -> BTreeMap<PathBuf, String> {
    fn collect(folder: &Path, below: &Path, pages: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = below.join(path.file_name().expect("a name"));
            if path.is_dir() && name != Path::new("generated") {
                collect(&path, &name, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.insert(name, fs::read_to_string(&path).expect("text"));
            }
        }
    }
    let mut pages = BTreeMap::new();
    collect(&root().join("docs/src"), Path::new(""), &mut pages);
    pages
}

/// What stands between `open` and `close`, everywhere.
fn between<'a>(text: &'a str, open: &'a str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split_once(close)).map(|(inside, _)| inside)
}

/// A relative path without its dots.
fn resolved(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().expect("a page is in a folder").to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} leaves the book"),
            part => path.push(part),
        }
    }
    path
}

/// The anchor that mdBook gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn links_lead_somewhere() {
    let pages = pages();
    for (page, text) in &pages {
        for link in between(text, "](", ')').filter(|link| !link.contains("://")) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { resolved(page, path) };
            assert!(root().join("docs/src").join(&target).is_file(), "{}: no page {link}", page.display());
            if !fragment.is_empty() {
                let there = anchors(&pages[&target]);
                assert!(there.iter().any(|anchor| anchor == fragment), "{}: no heading {link}", page.display());
            }
        }
    }
}

#[test]
fn sources_exist() {
    let folders = ["crates/", "programs/", "tests/", "xtask/", "benches/", "docs/"];
    for (page, text) in pages() {
        // Code in blocks is not a path; what is quoted within a line is.
        for quoted in
            text.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2))
        {
            if folders.iter().any(|folder| quoted.starts_with(folder)) {
                assert!(root().join(quoted).exists(), "{}: {quoted} is gone", page.display());
            }
        }
    }
}

#[test]
fn every_page_is_in_the_summary() {
    let pages = pages();
    let summary = &pages[Path::new("SUMMARY.md")];
    for page in pages.keys().filter(|page| *page != Path::new("SUMMARY.md")) {
        assert!(summary.contains(&format!("]({})", page.display())), "{} is not in SUMMARY.md", page.display());
    }
}

/// The comments of the crate cite sections of the model by number.
#[test]
fn cited_sections_exist() {
    let model = &pages()[Path::new("risk-model.md")];
    let headings: Vec<&str> = model.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let mut cited = 0;
    let folders = ["crates/risk/src", "crates/risk/src/health"];
    for entry in folders.into_iter().flat_map(|folder| fs::read_dir(root().join(folder)).expect("the crate")) {
        let path = entry.expect("an entry").path();
        let Ok(source) = fs::read_to_string(&path) else { continue };
        for rest in source.split("(risk-model ").skip(1) {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = rest[..digits].trim_end_matches('.');
            let wanted = if number.contains('.') { format!(" {number} ") } else { format!(" {number}. ") };
            assert!(
                headings.iter().any(|heading| heading.contains(&wanted)),
                "{}: no section {number}",
                path.display()
            );
            cited += 1;
        }
    }
    assert!(cited >= 10, "the comments cite the model");
}

/// Tables of refusals name errors of the program, tables of parameters those of its table.
#[test]
fn named_errors_and_parameters_exist() {
    let errors = fs::read_to_string(root().join("programs/ballast/src/error.rs")).expect("the errors");
    let error = |name: &str| errors.contains(&format!("    {name} = "));
    let parameter = |name: &str| Parameter::ALL.iter().any(|parameter| parameter.name() == name);
    let mut named = 0;
    for (page, text) in pages() {
        let mut exists: Option<&dyn Fn(&str) -> bool> = None;
        for line in text.lines() {
            exists = match line {
                _ if line.starts_with("| error |") || line.starts_with("| refusal |") => Some(&error),
                _ if line.starts_with("| parameter |") => Some(&parameter),
                _ => exists.filter(|_| line.starts_with('|')),
            };
            let cell = line.split('|').nth(1).unwrap_or_default();
            for name in exists.iter().flat_map(|_| cell.split('`').skip(1).step_by(2)) {
                assert!(exists.is_some_and(|exists| exists(name)), "{}: no {name}", page.display());
                named += 1;
            }
        }
    }
    assert!(named >= 30, "the pages name refusals");
}
