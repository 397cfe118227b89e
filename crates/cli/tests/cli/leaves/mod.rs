//! Every command that there is, found in the program's own help: each succeeds with JSON, is refused as a command that makes
//! no sense, and fails without a node, with the exit codes for that. Rows are in `rows`, what they name in `scene`.

mod rows;
mod scene;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::stage::{Ran, Stage, ballast, stage};
use rows::rows;
use scene::Scene;

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// One command, and what is tried with it, on one network for all rows in their order. Words that begin with `$` stand for
/// what the [`Scene`] has under that name.
pub struct Leaf {
    /// Noun and verb.
    command: &'static str,
    /// Whose key signs, by its name in the scene.
    by: &'static str,
    /// What the scene lacks for the success.
    first: fn(&Stage, &mut Scene),
    /// Arguments of a success.
    succeeds: &'static str,
    gives: Gives,
    /// What later rows name: the name, and a pointer into the JSON.
    keeps: Vec<(&'static str, &'static str)>,
    /// Arguments that make no sense, and what is said about them.
    senseless: (&'static str, &'static str),
    /// Arguments of a run without a node, and its exit code.
    without_node: (&'static str, i32),
    /// Who is refused with which arguments, the exit code, and what is said.
    refused: Option<(&'static str, &'static str, i32, &'static str)>,
}

/// What a success prints.
enum Gives {
    /// JSON that has something at each of these pointers.
    Json(&'static str),
    /// Something that is no data, whatever the format: it contains this.
    Text(&'static str),
}

impl Leaf {
    /// A command with the arguments of a success and what its JSON has, and with arguments that make no sense and what is
    /// said about them.
    fn new(
        command: &'static str,
        (succeeds, gives): (&'static str, &'static str),
        senseless: (&'static str, &'static str),
    ) -> Self {
        Self {
            command,
            by: "user",
            first: |_, _| (),
            succeeds,
            gives: Gives::Json(gives),
            keeps: Vec::new(),
            senseless,
            without_node: (succeeds, 3),
            refused: None,
        }
    }

    /// Not by the user.
    fn by(self, by: &'static str) -> Self {
        Self { by, ..self }
    }

    /// After this.
    fn first(self, first: fn(&Stage, &mut Scene)) -> Self {
        Self { first, ..self }
    }

    fn keeps(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keeps.push((name, pointer));
        self
    }

    /// What it prints is no data.
    fn text(self, contains: &'static str) -> Self {
        Self { gives: Gives::Text(contains), ..self }
    }

    /// It needs no node, or another kind of one.
    fn without_node(self, arguments: &'static str, code: i32) -> Self {
        Self { without_node: (arguments, code), ..self }
    }

    fn refused(self, by: &'static str, arguments: &'static str, code: i32, message: &'static str) -> Self {
        Self { refused: Some((by, arguments, code, message)), ..self }
    }

    /// Runs the command at a node.
    fn run(&self, scene: &Scene, url: &str, by: &str, arguments: &str) -> Ran {
        scene.run(url, by, &format!("{} {arguments}", self.command))
    }

    /// Everything that is to be tried. What is not as it should be.
    fn troubles(&self, stage: &Stage, scene: &mut Scene) -> Vec<String> {
        let url = stage.url();
        let mut troubles = Vec::new();
        let mut failing = |what: &str, ran: Ran, code: i32, message: &str| {
            if ran.code != code || !ran.stderr.contains(message) {
                let wanted = if message.is_empty() { String::new() } else { format!(" and {message:?}") };
                troubles.push(format!("`{}` {what} is to end with {code}{wanted}: {ran:?}", self.command));
            }
        };
        if let Some((by, arguments, code, message)) = self.refused {
            failing("refused", self.run(scene, &url, by, arguments), code, message);
        }
        (self.first)(stage, scene);
        let (arguments, message) = self.senseless;
        failing("without sense", self.run(scene, &url, self.by, arguments), 2, message);
        let (arguments, code) = self.without_node;
        failing("without a node", self.run(scene, NOWHERE, self.by, arguments), code, "");
        let ran = self.run(scene, &url, self.by, self.succeeds);
        failing("with good arguments", ran.clone(), 0, "");
        troubles.extend(self.printed(&ran, scene));
        troubles
    }

    /// Whether a success printed what it should; takes what later rows need.
    fn printed(&self, ran: &Ran, scene: &mut Scene) -> Option<String> {
        let wrong = |why: String| Some(format!("`{}` {why}: {ran:?}", self.command));
        let pointers = match self.gives {
            Gives::Text(contains) if ran.stdout.contains(contains) => return None,
            Gives::Text(contains) => return wrong(format!("does not print {contains:?}")),
            Gives::Json(pointers) => pointers,
        };
        let Ok(json) = serde_json::from_str::<Value>(&ran.stdout) else { return wrong("prints no JSON".to_owned()) };
        for (name, pointer) in &self.keeps {
            let Some(value) = json.pointer(pointer).and_then(Value::as_str) else {
                return wrong(format!("has no text at {pointer}"));
            };
            scene.set(name, value.to_owned());
        }
        let missing: Vec<_> = pointers.split_whitespace().filter(|pointer| json.pointer(pointer).is_none()).collect();
        if missing.is_empty() { None } else { wrong(format!("has nothing at {missing:?}")) }
    }
}

/// All commands below one, by what `--help` lists.
fn found(command: &[String]) -> Vec<String> {
    let words: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let help = ballast(&words);
    assert_eq!(help.code, 0, "{help:?}");
    let list = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Of a description that goes over several lines the others begin further right.
    let names = list.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names: Vec<&str> = names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").collect();
    if names.is_empty() {
        return vec![command.join(" ")];
    }
    names.iter().flat_map(|name| found(&[command, &[(*name).to_owned()]].concat())).collect()
}

#[test]
fn every_command_has_a_row() {
    let found: BTreeSet<String> = found(&[]).into_iter().collect();
    assert!(found.len() > 30, "the help is not understood: {found:?}");
    let rows: Vec<String> = rows().iter().map(|leaf| leaf.command.to_owned()).collect();
    let rows: BTreeSet<String> = rows.into_iter().collect();
    for command in &found {
        assert!(
            rows.contains(command),
            "`ballast {command}` is not tried. Add to crates/cli/tests/cli/leaves/rows.rs, where what it needs is there:\n    \
             Leaf::new(\"{command}\", (\"arguments of a success\", \"/pointers /into /its/json\"), (\"arguments that make no \
             sense\", \"what is said about them\")),\nand, if there is a refusal by the program, .refused(who, arguments, exit \
             code, message)"
        );
    }
    for command in &rows {
        assert!(found.contains(command), "there is no `ballast {command}` any more: take its row out");
    }
}

#[test]
fn every_command_gives_json_and_its_exit_codes() {
    let stage = stage();
    let mut scene = Scene::build(stage);
    let troubles: Vec<String> = rows().iter().flat_map(|leaf| leaf.troubles(stage, &mut scene)).collect();
    assert!(troubles.is_empty(), "{}", troubles.join("\n\n"));
}
