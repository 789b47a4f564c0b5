//! What a dispatch would do now: the same decisions, texts and linter, and nothing is written.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::{
    clock::Instant,
    mail::MailKind,
    order::Order,
    plan::zone_of,
    store::{
        MessageRow, Status, Ts,
        dispatch::DueChannel,
        ledger::{Filter, Page},
        orders::Lock,
    },
};

use super::{Engine, EngineError, Foreseen, dispatch::whole_switch};

/// Rows read at a time.
const PAGE: u32 = 500;

/// A mail that is due, and what would become of it.
#[derive(Debug)]
pub struct Rehearsed {
    /// Its row.
    pub message: i64,
    /// The channel.
    pub channel: String,
    /// The order, as its channel names it.
    pub order_ref: String,
    /// The recipient's zone.
    pub zone: Tz,
    /// The step.
    pub step: String,
    /// The mail kind.
    pub kind: MailKind,
    /// What would become of it.
    pub foreseen: Foreseen,
}

impl Engine {
    /// Everything that is due now and what would become of it. Sends nothing, changes nothing.
    pub async fn rehearse(&self) -> Result<(Instant, Vec<Rehearsed>), EngineError> {
        let now = self.clock.now();
        let due = self.due_rows(now).await?;
        let mut rehearsed = Vec::new();
        for rows in due.chunks(self.batch as usize) {
            let switches = self.db.read().await?.switches(now).await?;
            let (held, free): (Vec<MessageRow>, Vec<MessageRow>) =
                rows.iter().cloned().partition(|row| {
                    let due = DueChannel {
                        channel: row.channel.clone(),
                        class: row.class(),
                        oldest: row.due_at.unwrap_or(Ts::from(now)),
                    };
                    whole_switch(&switches, &due).is_some()
                });
            let mut foreseen = self.foresee(free, &switches, now).await?;
            foreseen.extend(held.into_iter().map(|row| (row.id, held_by_switch())));
            let orders = self.orders_of(rows).await?;
            for row in rows {
                if let (Some((order_ref, zone)), Some(foreseen)) =
                    (orders.get(&row.order_id), foreseen.remove(&row.id))
                {
                    rehearsed.push(Rehearsed {
                        message: row.id,
                        channel: row.channel.clone(),
                        order_ref: order_ref.clone(),
                        zone: *zone,
                        step: row.step.clone(),
                        kind: row.kind,
                        foreseen,
                    });
                }
            }
        }
        Ok((now, rehearsed))
    }

    async fn due_rows(&self, now: Instant) -> Result<Vec<MessageRow>, EngineError> {
        let mut tx = self.db.read().await?;
        let filter = Filter {
            status: Some(Status::Planned),
            ..Filter::default()
        };
        let mut due: Vec<MessageRow> = Vec::new();
        let mut before = None;
        loop {
            let page = Page {
                before,
                limit: PAGE,
            };
            let rows = tx.list_messages(filter, page).await?.rows;
            let Some(last) = rows.last() else { break };
            before = Some(last.id);
            due.extend(
                rows.into_iter()
                    .filter(|row| row.due_at.is_some_and(|at| at <= Ts::from(now))),
            );
        }
        due.sort_by_key(|row| (row.due_at, row.id));
        Ok(due)
    }

    async fn orders_of(
        &self,
        rows: &[MessageRow],
    ) -> Result<BTreeMap<i64, (String, Tz)>, EngineError> {
        let ids: Vec<i64> = rows.iter().map(|row| row.order_id).collect();
        let mut tx = self.db.read().await?;
        let stored = tx.load_orders(&ids, Lock::None).await?.rows;
        Ok(stored
            .into_iter()
            .map(|row| {
                let order = Order::from_facts(&row.channel, &row.external_ref, row.facts);
                let zone = self
                    .channels
                    .get(&row.channel)
                    .map_or(chrono_tz::UTC, |channel| zone_of(&order, channel.zone()));
                (row.id, (row.external_ref, zone))
            })
            .collect())
    }
}

fn held_by_switch() -> Foreseen {
    Foreseen::NotSent {
        is_blocked: false,
        reason: Some(crate::sequence::Reason::HeldByPause),
        detail: None,
    }
}
