//! The installation's own notes: settings it made for itself, the audit, templates it has seen.

use serde::Serialize;
use sqlx::FromRow;

use crate::clock::Instant;

use super::{StoreError, Ts, Tx, bulk::encode};

statements! {
    SETTING = ["SELECT value FROM settings WHERE name = $1"];
    KEEP_SETTING = ["INSERT INTO settings (name, value, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING"];
    AUDIT = ["INSERT INTO audit (at, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5)"];
    AUDIT_LIST = ["SELECT id, at, actor, action, target, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2"];
    AUDIT_OF = ["SELECT id, at, actor, action, target, detail FROM audit WHERE target = $3 AND id < $1 ORDER BY id DESC LIMIT $2"];
    NOTE_TEMPLATES = ["INSERT INTO templates_seen (template, template_hash, first_seen_at)
        SELECT j.value->>'template', j.value->>'template_hash', CAST($2 AS BIGINT)
        FROM" rows "WHERE TRUE ON CONFLICT (template, template_hash) DO NOTHING"];
    TEMPLATES_SEEN = ["SELECT template, template_hash, first_seen_at FROM templates_seen
        ORDER BY template, first_seen_at, template_hash"];
}

/// Something a person or the service did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditEntry<'a> {
    /// Who: `cli:anna`, a console login, `afternote`.
    pub actor: &'a str,
    /// What: `step.skip`, `buyer.erase`.
    pub action: &'a str,
    /// To what: `order:17`, `message:5`, `channel:shop`.
    pub target: &'a str,
    /// JSON; no personal data.
    pub detail: &'a str,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AuditRow {
    /// Ours.
    pub id: i64,
    /// When.
    pub at: Ts,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// JSON.
    pub detail: String,
}

/// A content of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow)]
pub struct TemplateSeen {
    /// The template.
    pub template: String,
    /// Hash of its content.
    pub template_hash: String,
    /// Loaded first; set by the store.
    #[serde(skip)]
    pub first_seen_at: Ts,
}

impl Tx {
    /// A value the installation made for itself.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let row: Option<(String,)> = fetch_optional!(self, SETTING, name)?;
        Ok(row.map(|(value,)| value))
    }

    /// Keeps a value unless there is one; gives back the value that counts.
    pub async fn keep_setting(
        &mut self,
        name: &str,
        value: &str,
        now: Instant,
    ) -> Result<String, StoreError> {
        execute!(self, KEEP_SETTING, name, value, Ts::from(now))?;
        self.setting(name).await?.ok_or(StoreError::Invalid(
            "a setting vanished while it was written",
        ))
    }

    /// Writes into the audit.
    pub async fn audit(&mut self, entry: AuditEntry<'_>, now: Instant) -> Result<(), StoreError> {
        execute!(
            self,
            AUDIT,
            Ts::from(now),
            entry.actor,
            entry.action,
            entry.target,
            entry.detail
        )
        .map(drop)
    }

    /// The audit, of everything or one target, newest first, older than the entry `before`.
    pub async fn audit_log(
        &mut self,
        target: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let (before, limit) = (before.unwrap_or(i64::MAX), i64::from(limit));
        if let Some(target) = target {
            fetch_all!(self, AUDIT_OF, before, limit, target)
        } else {
            fetch_all!(self, AUDIT_LIST, before, limit)
        }
    }

    /// Notes which contents of templates are in use.
    pub async fn note_templates(
        &mut self,
        templates: &[TemplateSeen],
        now: Instant,
    ) -> Result<u64, StoreError> {
        let json = encode(templates)?;
        execute!(self, NOTE_TEMPLATES, &json, Ts::from(now))
    }

    /// Every content of every template that was in use, oldest first for each.
    pub async fn templates_seen(&mut self) -> Result<Vec<TemplateSeen>, StoreError> {
        fetch_all!(self, TEMPLATES_SEEN)
    }
}
