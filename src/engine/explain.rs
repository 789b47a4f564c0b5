//! `why`: the whole story of an order's mails, sent and not sent (email-requirements O3).

use chrono::TimeZone as _;
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    clock::Instant,
    order::Order,
    plan::{BuyerStanding, Detail, plan, zone_of},
    sequence::{Decision, Verdict},
    store::{
        MessageRow, Status, Tx,
        ledger::{AttemptRow, EventRow, OrderSummary},
        orders::{Lock, StoredOrder},
    },
};

use super::{Engine, EngineError, diff::ledger_of, standing};

/// The story of one order.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// The channel.
    pub channel: String,
    /// The order, as its channel names it.
    pub order_ref: String,
    /// How far it has come.
    pub stage: String,
    /// The zone its times are shown in.
    pub zone: String,
    /// What we were told, as it arrived.
    pub events: Vec<Told>,
    /// One entry per mail, in the order of the sequence.
    pub mails: Vec<MailStory>,
}

/// An event we were told of.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// When it happened.
    pub occurred_at: Instant,
    /// When we learned of it.
    pub received_at: Instant,
    /// The event kind.
    pub kind: String,
    /// The parcel, for parcel events.
    pub parcel_ref: Option<String>,
    /// Who said so.
    pub source: String,
    /// Whether it is history.
    pub is_history: bool,
}

/// The story of one mail.
#[derive(Debug, Clone, Serialize)]
pub struct MailStory {
    /// The step.
    pub step: String,
    /// The mail kind.
    pub kind: String,
    /// What it stands for.
    pub scope: String,
    /// Which sending of it.
    pub revision: u32,
    /// Where it stands: a status of the ledger, or the plan's verdict where it has no row.
    pub state: String,
    /// The reason's stable code.
    pub reason: Option<String>,
    /// What the reason means.
    pub meaning: Option<String>,
    /// Values of the reason.
    pub detail: Option<String>,
    /// When it goes, went, or is looked at again.
    pub at: Option<Instant>,
    /// The same by the recipient's clock.
    pub local: Option<String>,
    /// What happens next, as a sentence.
    pub next: String,
    /// The chain of facts and rules.
    pub because: Vec<Link>,
    /// Its row in the ledger.
    pub message: Option<i64>,
    /// The Message-ID, once it is fixed.
    pub message_id: Option<String>,
    /// The template it was rendered from, with its hash.
    pub template: Option<String>,
    /// What the linter said.
    pub lint: Option<serde_json::Value>,
    /// The attempts, oldest first.
    pub attempts: Vec<AttemptStory>,
}

/// One try to send it.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptStory {
    /// When the intent was written.
    pub started_at: Instant,
    /// `accepted`, `transient`, `permanent` or `uncertain`.
    pub outcome: String,
    /// SMTP reply code.
    pub code: Option<i64>,
    /// Enhanced status code.
    pub enhanced: Option<String>,
    /// The relay's words, without the recipient.
    pub reply: Option<String>,
    /// What they were read as.
    pub reason: Option<String>,
}

impl From<AttemptRow> for AttemptStory {
    fn from(row: AttemptRow) -> Self {
        Self {
            started_at: row.started_at.into(),
            outcome: row.outcome,
            code: row.code,
            enhanced: row.enhanced,
            reply: row.reply,
            reason: row.reason,
        }
    }
}

/// One link of the chain.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// The reason's stable code.
    pub reason: &'static str,
    /// What it means.
    pub text: &'static str,
    /// The values it was judged by.
    pub detail: String,
}

impl Engine {
    /// The one order of that reference.
    pub async fn find_order(
        &self,
        order_ref: &str,
        channel: Option<&str>,
    ) -> Result<OrderSummary, EngineError> {
        let mut tx = self.db.read().await?;
        let mut found = tx.find_orders(order_ref, channel).await?;
        match found.len() {
            0 => Err(EngineError::UnknownOrder(order_ref.to_owned())),
            1 => Ok(found.swap_remove(0)),
            _ => Err(EngineError::AmbiguousOrder {
                order_ref: order_ref.to_owned(),
                channels: found
                    .iter()
                    .map(|o| o.channel.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }

    /// The one order of that reference, with its facts.
    pub async fn order(
        &self,
        order_ref: &str,
        channel: Option<&str>,
    ) -> Result<(OrderSummary, Order), EngineError> {
        let summary = self.find_order(order_ref, channel).await?;
        let mut tx = self.db.read().await?;
        let stored = load_one(&mut tx, summary.id, Lock::None).await?;
        let order = Order::from_facts(&stored.channel, &stored.external_ref, stored.facts);
        Ok((summary, order))
    }

    /// The story of an order; of one step where it is named.
    pub async fn why(
        &self,
        order_ref: &str,
        channel: Option<&str>,
        step: Option<&str>,
    ) -> Result<Story, EngineError> {
        let summary = self.find_order(order_ref, channel).await?;
        let channel = self
            .channels
            .get(&summary.channel)
            .ok_or_else(|| EngineError::UnknownChannel(summary.channel.clone()))?;
        if let Some(step) = step {
            channel.check_step(step)?;
        }
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let stored = load_one(&mut tx, summary.id, Lock::None).await?;
        let rows = tx.load_messages(&[summary.id]).await?.rows;
        let order = Order::from_facts(&stored.channel, &stored.external_ref, stored.facts);
        let key = self.buyer_key(&order);
        let switches = tx.switches(now).await?;
        let suppressions = standing::suppressions(&mut tx, key.iter()).await?;
        let events = tx
            .events_of(summary.id)
            .await?
            .into_iter()
            .map(told)
            .collect();
        let zone = zone_of(&order, channel.zone());
        let mut mails = Vec::new();
        let standing = suppressions.of(key.as_deref(), &summary.channel);
        let decisions = plan(
            &order,
            &channel.rules,
            &ledger_of(&order, &rows),
            &standing,
            now,
            Detail::Reasons,
        );
        for decision in decisions {
            let row = rows.iter().find(|row| {
                row.step == decision.step
                    && row.scope == decision.scope
                    && row.revision == decision.revision
            });
            let switch = standing::switch_for(
                &switches,
                &summary.channel,
                decision.kind.class(),
                &decision.step,
            );
            let standing = BuyerStanding {
                is_paused: switch.is_some(),
                ..standing
            };
            mails.push(
                self.mail_story(&mut tx, &decision, row, &standing, zone)
                    .await?,
            );
        }
        // Rows of steps that are no longer in the sequence still have their story.
        for row in &rows {
            let is_told = mails.iter().any(|mail| mail.message == Some(row.id));
            if !is_told {
                mails.push(self.orphan_story(&mut tx, row, zone).await?);
            }
        }
        mails.retain(|mail| step.is_none_or(|step| mail.step == step));
        Ok(Story {
            channel: summary.channel,
            order_ref: summary.external_ref,
            stage: order.stage().to_string(),
            zone: zone.name().to_owned(),
            events,
            mails,
        })
    }

    async fn mail_story(
        &self,
        tx: &mut Tx,
        decision: &Decision,
        row: Option<&MessageRow>,
        standing: &BuyerStanding,
        zone: Tz,
    ) -> Result<MailStory, EngineError> {
        let mut because: Vec<Link> = decision
            .because
            .iter()
            .map(|link| Link {
                reason: link.reason.code(),
                text: link.reason.text(),
                detail: link.detail.clone(),
            })
            .collect();
        if standing.is_paused {
            because.push(Link {
                reason: crate::sequence::Reason::HeldByPause.code(),
                text: crate::sequence::Reason::HeldByPause.text(),
                detail: String::new(),
            });
        }
        let mut story = match row {
            // The plan of this moment says more than the row of the last one, until it is under way.
            Some(row)
                if row.status.is_open_to_plan()
                    && decision.verdict != Verdict::Done
                    && !is_over(row, &decision.verdict) =>
            {
                let mut story = planned_story(decision, zone);
                story.message = Some(row.id);
                if row.retry_at.is_some() && row.status == Status::Planned {
                    story.at = row.due_at.map(Into::into);
                    story.reason = row.reason.map(|reason| reason.code().to_owned());
                    story.meaning = row.reason.map(|reason| reason.text().to_owned());
                    "it is tried again at that time".clone_into(&mut story.next);
                }
                story.attempts = attempts(tx, row.id).await?;
                story
            }
            Some(row) => self.orphan_story(tx, row, zone).await?,
            None => planned_story(decision, zone),
        };
        story.because = because;
        story.local = story.at.map(|at| local(at, zone));
        Ok(story)
    }

    async fn orphan_story(
        &self,
        tx: &mut Tx,
        row: &MessageRow,
        zone: Tz,
    ) -> Result<MailStory, EngineError> {
        let at = row
            .sent_at
            .or(row.due_at)
            .or(row.intent_at)
            .unwrap_or(row.updated_at)
            .into();
        Ok(MailStory {
            step: row.step.clone(),
            kind: row.kind.to_string(),
            scope: row.scope.to_string(),
            revision: row.revision,
            state: row.status.to_string(),
            reason: row.reason.map(|reason| reason.code().to_owned()),
            meaning: row.reason.map(|reason| reason.text().to_owned()),
            detail: row.detail.clone(),
            at: Some(at),
            local: Some(local(at, zone)),
            next: next_of(row.status).to_owned(),
            because: Vec::new(),
            message: Some(row.id),
            message_id: row.message_id.clone(),
            template: row.template.as_ref().map(|name| {
                format!(
                    "{name} {}",
                    row.template_hash.as_deref().unwrap_or_default()
                )
            }),
            lint: row
                .lint
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok()),
            attempts: attempts(tx, row.id).await?,
        })
    }
}

/// Whether the mail came to its end before: the row says why, the plan of today no longer knows.
fn is_over(row: &MessageRow, verdict: &Verdict) -> bool {
    matches!(
        (row.status, verdict),
        (Status::Expired, Verdict::Expired { .. }) | (Status::Superseded, Verdict::Skipped { .. })
    )
}

/// Loads one order; one that cannot be read is an error that names the row.
pub(super) async fn load_one(tx: &mut Tx, id: i64, lock: Lock) -> Result<StoredOrder, EngineError> {
    let mut loaded = tx.load_orders(&[id], lock).await?;
    if let Some(error) = loaded.corrupt.pop() {
        return Err(error.into());
    }
    loaded
        .rows
        .pop()
        .ok_or_else(|| EngineError::UnknownOrder(id.to_string()))
}

async fn attempts(tx: &mut Tx, message: i64) -> Result<Vec<AttemptStory>, EngineError> {
    Ok(tx
        .attempts_of(message)
        .await?
        .into_iter()
        .map(Into::into)
        .collect())
}

fn told(row: EventRow) -> Told {
    Told {
        occurred_at: row.occurred_at.into(),
        received_at: row.received_at.into(),
        kind: row.kind,
        parcel_ref: row.parcel_ref,
        source: row.source,
        is_history: row.is_backfill,
    }
}

fn planned_story(decision: &Decision, zone: Tz) -> MailStory {
    let reason = decision.verdict.reason();
    let (at, next) = match &decision.verdict {
        Verdict::Waiting { .. } => (None, "it waits for that".to_owned()),
        Verdict::Scheduled { send_at, .. } => (
            Some(*send_at),
            "it is sent at that time, if nothing changes".to_owned(),
        ),
        Verdict::Held { until, .. } => (
            None,
            format!(
                "it goes when that is solved; at {} its window closes",
                local(*until, zone)
            ),
        ),
        Verdict::Skipped { .. } => (None, "it is not sent".to_owned()),
        Verdict::Expired { .. } => (None, "it is not sent; its time is over".to_owned()),
        Verdict::Superseded { by } => {
            (None, format!("it is not sent; `{by}` tells the buyer more"))
        }
        Verdict::Done => (None, String::new()),
    };
    MailStory {
        step: decision.step.clone(),
        kind: decision.kind.to_string(),
        scope: decision.scope.to_string(),
        revision: decision.revision,
        state: decision.verdict.as_str().to_owned(),
        reason: reason.map(|reason| reason.code().to_owned()),
        meaning: reason.map(|reason| reason.text().to_owned()),
        detail: None,
        at,
        local: at.map(|at| local(at, zone)),
        next,
        because: Vec::new(),
        message: None,
        message_id: None,
        template: None,
        lint: None,
        attempts: Vec::new(),
    }
}

const fn next_of(status: Status) -> &'static str {
    match status {
        Status::Planned => "it is looked at again when it is due",
        Status::Leased | Status::Sending => "it is being sent",
        Status::Sent => "the buyer has it",
        Status::Blocked => "mend the template and run `afternote outbox retry`",
        Status::Skipped | Status::Expired | Status::Superseded => "it is not sent",
        Status::Uncertain => "a person decides with `afternote outbox decide`",
        Status::Dead => "it is not sent; the attempts say why",
    }
}

/// An instant by the clock of a zone: `Tue 2026-03-03 09:15 Europe/Warsaw`.
pub fn local(at: Instant, zone: Tz) -> String {
    let local = zone.from_utc_datetime(&at.naive_utc());
    format!("{} {}", local.format("%a %Y-%m-%d %H:%M"), zone.name())
}
