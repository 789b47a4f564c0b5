//! The chain of reasons behind a decision, kept only when somebody wants to read it.

use crate::sequence::{Reason, decision::Because};

/// Collects reasons; costs nothing when nobody asked for them.
#[derive(Debug)]
pub(super) struct Trail {
    is_wanted: bool,
    links: Vec<Because>,
}

impl Trail {
    pub(super) const fn new(is_wanted: bool) -> Self {
        Self {
            is_wanted,
            links: Vec::new(),
        }
    }

    /// Adds a link; `detail` is only worked out when somebody reads it.
    pub(super) fn add(&mut self, reason: Reason, detail: impl FnOnce() -> String) {
        if self.is_wanted {
            self.links.push(Because {
                reason,
                detail: detail(),
            });
        }
    }

    pub(super) fn into_links(self) -> Vec<Because> {
        self.links
    }
}
