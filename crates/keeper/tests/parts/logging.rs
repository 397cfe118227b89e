//! What reaches the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ballast_keeper::logging::Redacting;
use ballast_keeper::secret::{Redaction, Secret};

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_event_keeps_its_fields_and_loses_its_secrets() {
    let memory = Memory::default();
    let open = memory.clone();
    let redaction = Redaction::new([Secret::new("token-of-the-node")]);
    let writer = Redacting::new(redaction, move || open.clone());
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(writer).finish();
    tracing::subscriber::with_default(subscriber, || {
        tracing::warn!(
            endpoint = "first",
            reason = "https://node.example.com/?key=abc: token-of-the-node",
            "no answer"
        );
    });
    let bytes = memory.0.lock().unwrap().clone();
    let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(event["endpoint"], "first");
    assert_eq!(event["message"], "no answer");
    assert_eq!(event["reason"], "https://node.example.com/?[redacted] [redacted]");
}
