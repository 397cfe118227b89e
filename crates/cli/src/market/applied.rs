//! What became of a definition that was applied: step by step, also where a failure stopped it.

use ballast_cluster::text::date;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Report;
use crate::send::Sent;

/// What became of a definition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    pub name: String,
    /// Absent before the market is created.
    pub market: Option<String>,
    pub status: Status,
    pub steps: Vec<Done>,
    /// What stopped it; the steps are those before.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The chain is as the definition says, or will be once what is pending is carried out.
    NothingToDo,
    Applied,
    /// Nothing was sent: `--dry-run` or `--sign-only`.
    Planned,
    /// A failure came after some steps; they stay.
    Stopped,
}

/// One step and its outcome.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    pub what: String,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a step.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Outcome {
    Done {
        signature: String,
    },
    /// It waits until it is due; then anybody may execute it.
    Proposed {
        change: String,
        eta: u64,
        signature: String,
        /// The same change, proposed before and never to be executed, whose account was closed.
        #[serde(skip_serializing_if = "Option::is_none")]
        replaces: Option<Dead>,
    },
    /// It was proposed before.
    Pending {
        change: String,
        eta: u64,
    },
    /// It cannot even be proposed yet.
    Waiting {
        why: String,
    },
    Planned,
    /// `--sign-only`: the first transaction of the plan.
    Signed(Sent),
}

/// A change that can never be executed any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dead {
    pub change: String,
    pub why: &'static str,
}

impl Applied {
    /// Prints it, and gives the failure back. A failure before anything was sent has no result.
    ///
    /// # Errors
    /// What stopped it.
    pub fn show(self, context: &Context) -> Result<(), Failure> {
        if self.failure.is_none() || self.status == Status::Stopped {
            context.show(&self)?;
        }
        self.failure.map_or(Ok(()), Err)
    }
}

impl Report for Applied {
    fn text(&self) -> String {
        let market = self.market.as_deref().unwrap_or("not created yet");
        let mut text = format!("Market {} ({market}): ", self.name);
        text += match self.status {
            Status::NothingToDo => "nothing to do\n",
            Status::Applied => "\n",
            Status::Planned => "nothing was sent\n",
            Status::Stopped => "stopped by a failure after these steps\n",
        };
        for step in &self.steps {
            text += &format!("  {}\n    {}\n", step.what, step.outcome.text());
        }
        text
    }
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Self::Done { signature } => format!("done         {signature}"),
            Self::Proposed { change, eta, replaces, .. } => {
                let dead = replaces.as_ref();
                let dead = dead.map(|Dead { change, why }| format!("; closed {change}: {why}"));
                format!("proposed     {change}, due {} UTC{}", at(*eta), dead.unwrap_or_default())
            }
            Self::Pending { change, eta } => format!("pending      {change}, due {} UTC", at(*eta)),
            Self::Waiting { why } => format!("waiting      {why}"),
            Self::Planned => "planned".to_owned(),
            Self::Signed(sent) => sent.text(),
        }
    }
}

fn at(seconds: u64) -> String {
    date(i64::try_from(seconds).unwrap_or(i64::MAX))
}
