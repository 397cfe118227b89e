//! Numbers and times for people, and text of strangers.

/// Text that somebody else has written, for a terminal: what would not be seen, or would change what is seen around it
/// (escape sequences, directions of writing, letters without width), is written out as `\u{1b}`. Line ends too.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || unseen(letter) { out.extend(letter.escape_unicode()) } else { out.push(letter) }
    }
    out
}

/// The same for text of several lines.
pub fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// What formats text and is no letter: marks of direction, joiners, other line ends, tags.
const fn unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Micro-dollars as whole dollars, rounded: `$1,234`.
pub fn dollars(micro: u64) -> String {
    format!("${}", grouped(micro.saturating_add(500_000) / 1_000_000))
}

/// From how many whole tokens on which power of ten has which suffix.
const SUFFIXES: [(u128, u32, &str); 4] =
    [(1_000_000_000_000, 12, "T"), (1_000_000_000, 9, "B"), (1_000_000, 6, "M"), (10_000, 3, "k")];

/// Native units of a token as `0.0123`, `123.4`, `12.34k`, `1.234M` or `12.34B` tokens, rounded: for reading, not for adding up.
pub fn tokens(amount: u64, decimals: u8) -> String {
    let decimals = u32::from(decimals);
    // More decimals than 128 bits hold leave nothing of 64 bits to be shown.
    let Some(one) = 10u128.checked_pow(decimals) else { return "0".to_owned() };
    let amount = u128::from(amount);
    let (power, suffix) = SUFFIXES
        .iter()
        .find(|(least, ..)| amount / one >= *least)
        .map_or((decimals, ""), |(_, power, suffix)| (decimals.saturating_add(*power), suffix));
    // What has a suffix is at least its unit, which is therefore no larger than 64 bits hold.
    let unit = 10u128.checked_pow(power).unwrap_or(u128::MAX);
    let places: u32 = match amount / unit {
        whole if whole >= 1_000 || amount == 0 => 0,
        100.. => 1,
        10.. => 2,
        1.. => 3,
        0 => 4,
    };
    let parts = 10u128.pow(places);
    // Four places of 64 bits fit into 128; so does half a unit on top.
    let rounded = amount.saturating_mul(parts).saturating_add(unit / 2) / unit;
    let (whole, part) = (rounded / parts, rounded % parts);
    let width = usize::try_from(places).unwrap_or(0);
    if width == 0 { format!("{whole}{suffix}") } else { format!("{whole}.{part:0>width$}{suffix}") }
}

/// A price with about six significant digits.
pub fn price(dollars: f64) -> String {
    let places = match dollars {
        d if d >= 1_000.0 => 2,
        d if d >= 1.0 => 4,
        d if d >= 0.001 => 6,
        _ => 10,
    };
    format!("{dollars:.places$}")
}

/// A part of one as a percentage.
pub fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

/// Unix seconds as `2021-05-19 13:00` in UTC (civil-from-days after Howard Hinnant).
pub fn date(time: i64) -> String {
    let (days, seconds) = (time.div_euclid(86_400), time.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", seconds / 3_600, seconds % 3_600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_a_terminal_is_written_out() {
        assert_eq!(printable("SOL"), "SOL");
        assert_eq!(printable("Zoë 北京 €"), "Zoë 北京 €");
        assert_eq!(printable("\u{1b}[8m"), "\\u{1b}[8m");
        assert_eq!(printable("a\r\nb\t\u{7f}\u{9b}"), "a\\u{d}\\u{a}b\\u{9}\\u{7f}\\u{9b}");
        assert_eq!(printable("US\u{202e}CD\u{2066}\u{200b}"), "US\\u{202e}CD\\u{2066}\\u{200b}");
        assert_eq!(printable_lines("a\nb\u{1b}"), "a\nb\\u{1b}");
    }
}
