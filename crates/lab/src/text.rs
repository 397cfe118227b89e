//! Numbers for people, and tables of Markdown.

use ballast_risk::Usd;
use ballast_risk::health::{Binding, MarginState};

/// A whole number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Micro-dollars as whole dollars, rounded to the nearest.
pub fn dollars(micro: i64) -> String {
    let whole = grouped((micro.unsigned_abs() + 500_000) / 1_000_000);
    if micro < 0 && whole != "0" { format!("-{whole}") } else { whole }
}

pub fn usd(value: Usd) -> String {
    dollars(i64::try_from(value.get()).unwrap_or(i64::MAX))
}

/// Hundredths of a percent as a percentage without needless zeros.
pub fn percent(bps: i64) -> String {
    let (sign, size) = (if bps < 0 { "-" } else { "" }, bps.unsigned_abs());
    let whole = grouped(size / 100);
    match size % 100 {
        0 => format!("{sign}{whole} %"),
        rest if rest % 10 == 0 => format!("{sign}{whole}.{} %", rest / 10),
        rest => format!("{sign}{whole}.{rest:02} %"),
    }
}

/// `part / whole` in tenths of a percent, rounded down; empty for nothing of nothing.
pub fn ratio(part: i64, whole: u64) -> String {
    if whole == 0 {
        return String::from("–");
    }
    let tenths = i128::from(part) * 1_000 / i128::from(whole);
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{} %", tenths.unsigned_abs() / 10, tenths.unsigned_abs() % 10)
}

/// Seconds in the largest unit that leaves no rest.
pub fn duration(seconds: u64) -> String {
    let unit = |size: u64| seconds / size;
    match seconds {
        86_400 => String::from("1 day"),
        _ if seconds > 0 && seconds.is_multiple_of(86_400) => format!("{} days", unit(86_400)),
        _ if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{} h", unit(3_600)),
        _ if seconds > 0 && seconds.is_multiple_of(60) => format!("{} min", unit(60)),
        _ => format!("{seconds} s"),
    }
}

pub const fn binding(binding: Binding) -> &'static str {
    match binding {
        Binding::Haircuts => "haircuts",
        Binding::Portfolio => "portfolio",
        Binding::Stress => "stress",
    }
}

pub const fn state(state: MarginState) -> &'static str {
    match state {
        MarginState::Healthy => "Healthy",
        MarginState::Restricted => "Restricted",
        MarginState::Liquidatable => "Liquidatable",
        MarginState::Insolvent => "Insolvent",
    }
}

/// A table of Markdown.
pub struct Table {
    text: String,
}

impl Table {
    /// The first column is text, the others are numbers.
    pub fn new<S: AsRef<str>>(heads: &[S]) -> Self {
        Self::aligned(heads, "|---:")
    }

    /// All columns are text.
    pub fn of_text<S: AsRef<str>>(heads: &[S]) -> Self {
        Self::aligned(heads, "|---")
    }

    fn aligned<S: AsRef<str>>(heads: &[S], others: &str) -> Self {
        let mut table = Self { text: String::new() };
        table.row(heads);
        for at in 0..heads.len() {
            table.text.push_str(if at == 0 { "|---" } else { others });
        }
        table.text.push_str("|\n");
        table
    }

    pub fn row<S: AsRef<str>>(&mut self, cells: &[S]) {
        for cell in cells {
            self.text.push_str("| ");
            self.text.push_str(cell.as_ref());
            self.text.push(' ');
        }
        self.text.push_str("|\n");
    }

    pub fn finish(self) -> String {
        self.text
    }
}
