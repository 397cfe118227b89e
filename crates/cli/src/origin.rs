//! URLs without what is nobody's business: the keys of paid nodes stand in their user, path or query, and outputs end in logs
//! and in bug reports.

/// Schemes of the URLs of nodes.
const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

/// A text in which every URL of a node ends behind its host and port.
pub fn redacted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at);
        let tail = &tail[3..];
        out.push_str(head);
        out.push_str("://");
        let scheme = head.rsplit(|letter: char| !letter.is_ascii_alphanumeric()).next().unwrap_or_default();
        if SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            let (url, after) = tail.split_at(tail.find(ends).unwrap_or(tail.len()));
            let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
            out.push_str(authority.rsplit('@').next().unwrap_or_default());
            rest = after;
        } else {
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// What stands behind a URL in a text, and never in one.
fn ends(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_a_url_is_not_printed_wherever_it_stands() {
        for (text, expected) in [
            ("https://node.example/?api-key=secret", "https://node.example"),
            ("no market on https://node.example/v2/secret-path", "no market on https://node.example"),
            (
                "for url (https://me:secret@node.example:8899/x?y=1): timed out",
                "for url (https://node.example:8899): timed out",
            ),
            ("{\"message\":\"https://a.example/?k=s\\nnext\"}", "{\"message\":\"https://a.example\\nnext\"}"),
            ("HTTP://a.example?k=s and wss://b.example#s", "HTTP://a.example and wss://b.example"),
            (
                "http://[::1]:8899/k and https://a.example?to=https://b.example/s",
                "http://[::1]:8899 and https://a.example",
            ),
            ("usb://ledger/abc?key=0/0 is kept", "usb://ledger/abc?key=0/0 is kept"),
            ("no URL at all", "no URL at all"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }
}
