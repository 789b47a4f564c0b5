//! The source's key of an event, where the source has none of its own.

use std::fmt::Write as _;
use std::io;

use sha2::{Digest, Sha256};

use crate::order::OrderEvent;

/// A key made of what the event says, so that the same fact read again is a repeat
/// and a changed one is new.
///
/// When the file was read plays no part. The channel does: two shops number their
/// orders alike.
pub(super) fn content_key(channel: &str, event: &OrderEvent) -> String {
    let mut hash = Sha256::new();
    for part in [
        channel,
        &event.order_ref,
        event.parcel_ref.as_deref().unwrap_or_default(),
    ] {
        // The length keeps "a" + "bc" and "ab" + "c" apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    for line_ref in &event.line_refs {
        hash.update((line_ref.len() as u64).to_be_bytes());
        hash.update(line_ref);
    }
    hash.update(event.occurred_at.timestamp_millis().to_be_bytes());
    hash.update([event.precision as u8, u8::from(event.test)]);
    // Facts hold strings, numbers and lists only: writing them to a hash cannot fail.
    let _ = serde_json::to_writer(HashWriter(&mut hash), &event.fact);
    let mut key = String::with_capacity(56);
    key.push_str(event.fact.kind());
    key.push('-');
    for byte in &hash.finalize()[..16] {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
