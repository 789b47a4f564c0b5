//! What the demo did: files written, a timeline, and what was not sent and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use chrono::TimeZone as _;
use chrono_tz::Tz;
use serde::Serialize;

use crate::{
    cli::{
        eml, output,
        table::{Table, counted},
    },
    clock::Instant,
    deliver::{MemoryTransport, Outgoing},
    engine::Engine,
    order::Order,
    plan::zone_of,
    store::{
        MessageRow, Status,
        ledger::{Filter, Page},
        orders::Lock,
    },
};

use super::{folder::Folder, moved::Totals};

/// Rows read at a time.
const PAGE: u32 = 500;

/// The whole story.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    orders: usize,
    sent: Vec<Sent>,
    not_sent: Vec<NotSent>,
    /// Planned for a moment after the demo's end.
    still_planned: usize,
    /// What happened on the way.
    totals: Totals,
    mails: String,
    inbox: String,
    config: String,
}

/// A mail that went.
#[derive(Debug, Serialize)]
struct Sent {
    at: Instant,
    /// By the recipient's clock.
    local: String,
    zone: &'static str,
    channel: String,
    order_ref: String,
    kind: String,
    subject: String,
    file: String,
}

/// Mails that did not go for one reason.
#[derive(Debug, Serialize)]
struct NotSent {
    count: usize,
    state: String,
    reason: String,
    meaning: String,
    kinds: String,
    /// An order it happened to.
    example: String,
    channel: String,
}

/// An order, as far as the tables need it.
struct Known {
    channel: String,
    order_ref: String,
    zone: Tz,
}

/// Writes the mails and gathers the story.
pub(super) async fn tell(
    engine: &Engine,
    mails: &MemoryTransport,
    folder: &Folder,
    totals: Totals,
) -> anyhow::Result<Story> {
    let orders = orders(engine).await?;
    let rows = rows(engine).await?;
    let by_token: BTreeMap<String, &MessageRow> = rows
        .iter()
        .filter_map(|row| Some((token(row.message_id.as_deref()?), row)))
        .collect();
    let mut sent = Vec::new();
    let dir = folder.mails();
    let mut files = eml::Folder::new(&dir);
    for mail in mails.sent() {
        let Some((row, order)) = mail
            .file_name
            .as_deref()
            .and_then(|name| by_token.get(name))
            .and_then(|row| Some((*row, orders.get(&row.order_id)?)))
        else {
            continue;
        };
        sent.push(write(&mail, row, order, &mut files)?);
    }
    sent.sort_by(|a, b| (a.at, &a.file).cmp(&(b.at, &b.file)));
    Ok(Story {
        orders: orders.len(),
        sent,
        not_sent: not_sent(&rows, &orders),
        still_planned: rows.iter().filter(|row| is_to_come(row)).count(),
        totals,
        mails: folder.mails().display().to_string(),
        inbox: folder.inbox().display().to_string(),
        config: folder.config_file().display().to_string(),
    })
}

fn write(
    mail: &Outgoing,
    row: &MessageRow,
    order: &Known,
    files: &mut eml::Folder<'_>,
) -> anyhow::Result<Sent> {
    let at: Instant = row.sent_at.unwrap_or(row.updated_at).into();
    let label = eml::Label {
        at,
        zone: order.zone,
        channel: &order.channel,
        order_ref: &order.order_ref,
        step: &row.step,
    };
    let local = order.zone.from_utc_datetime(&at.naive_utc());
    Ok(Sent {
        at,
        local: local.format("%a %Y-%m-%d %H:%M").to_string(),
        zone: order.zone.name(),
        channel: order.channel.clone(),
        order_ref: order.order_ref.clone(),
        kind: row.kind.to_string(),
        subject: eml::subject(&mail.raw),
        file: files.write(label, &mail.raw)?,
    })
}

/// The part of a Message-ID before the domain.
fn token(message_id: &str) -> String {
    let inner = message_id.trim_start_matches('<');
    inner.split('@').next().unwrap_or(inner).to_owned()
}

async fn orders(engine: &Engine) -> anyhow::Result<BTreeMap<i64, Known>> {
    let mut tx = engine.db().read().await?;
    let mut known = BTreeMap::new();
    let mut after = 0;
    loop {
        let ids = tx.next_orders(after, PAGE).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        for row in tx.load_orders(&ids, Lock::None).await?.rows {
            let order = Order::from_facts(&row.channel, &row.external_ref, row.facts);
            let zone = engine
                .channels()
                .get(&row.channel)
                .map_or(chrono_tz::UTC, |channel| zone_of(&order, channel.zone()));
            known.insert(
                row.id,
                Known {
                    channel: row.channel,
                    order_ref: row.external_ref,
                    zone,
                },
            );
        }
    }
    Ok(known)
}

async fn rows(engine: &Engine) -> anyhow::Result<Vec<MessageRow>> {
    let mut tx = engine.db().read().await?;
    let mut rows: Vec<MessageRow> = Vec::new();
    let mut before = None;
    loop {
        let page = Page {
            before,
            limit: PAGE,
        };
        let found = tx.list_messages(Filter::default(), page).await?.rows;
        before = found.last().map(|row| row.id);
        if before.is_none() {
            break;
        }
        rows.extend(found);
    }
    rows.reverse();
    Ok(rows)
}

/// Whether it is due at a known moment that the demo did not reach.
fn is_to_come(row: &MessageRow) -> bool {
    row.status == Status::Planned && !row.is_held
}

fn not_sent(rows: &[MessageRow], orders: &BTreeMap<i64, Known>) -> Vec<NotSent> {
    let mut groups: BTreeMap<(String, String), Vec<&MessageRow>> = BTreeMap::new();
    for row in rows {
        if row.status == Status::Sent || is_to_come(row) {
            continue;
        }
        let state = if row.status == Status::Planned {
            "waiting".to_owned()
        } else {
            row.status.to_string()
        };
        let reason = row.reason.map_or("", |reason| reason.code()).to_owned();
        groups.entry((state, reason)).or_default().push(row);
    }
    let mut list: Vec<NotSent> = groups
        .into_iter()
        .map(|((state, reason), rows)| {
            let kinds: BTreeSet<String> = rows.iter().map(|row| row.kind.to_string()).collect();
            let example = rows.first().and_then(|row| orders.get(&row.order_id));
            NotSent {
                count: rows.len(),
                state,
                reason,
                meaning: rows
                    .first()
                    .and_then(|row| row.reason)
                    .map_or("", |reason| reason.text())
                    .to_owned(),
                kinds: kinds.into_iter().collect::<Vec<_>>().join(", "),
                example: example.map(|o| o.order_ref.clone()).unwrap_or_default(),
                channel: example.map(|o| o.channel.clone()).unwrap_or_default(),
            }
        })
        .collect();
    list.sort_by(|a, b| (b.count, &a.reason).cmp(&(a.count, &b.reason)));
    list
}

impl Story {
    /// Prints the story for people.
    pub(super) fn print(&self, is_over: bool) -> anyhow::Result<()> {
        output::line(&self.timeline())?;
        output::line("")?;
        if !self.not_sent.is_empty() {
            output::line("Not sent, and why:\n")?;
            output::line(&self.reasons())?;
            output::line("")?;
        }
        for refused in &self.totals.applied.refused {
            output::line(&format!(
                "refused: {} {}: {}: {}",
                refused.channel, refused.order_ref, refused.kind, refused.why
            ))?;
        }
        output::line(&self.summary())?;
        output::line(&self.what_next(is_over))?;
        Ok(())
    }

    fn timeline(&self) -> String {
        let mut table = Table::new(&["recipient's time", "channel", "order", "mail", "subject"]);
        for mail in &self.sent {
            table.row(vec![
                mail.local.clone(),
                mail.channel.clone(),
                mail.order_ref.clone(),
                mail.kind.clone(),
                eml::cut(&mail.subject),
            ]);
        }
        table.render()
    }

    fn reasons(&self) -> String {
        let mut table = Table::new(&["mails", "state", "reason", "which", "as in"]);
        for group in &self.not_sent {
            table.row(vec![
                group.count.to_string(),
                group.state.clone(),
                if group.meaning.is_empty() {
                    group.reason.clone()
                } else {
                    group.meaning.clone()
                },
                group.kinds.clone(),
                format!("{} {}", group.channel, group.example),
            ]);
        }
        table.render()
    }

    fn summary(&self) -> String {
        let not_sent: usize = self.not_sent.iter().map(|group| group.count).sum();
        let mut text = format!(
            "{} and {} gave {}; {not_sent} were not sent, each for a reason above.",
            counted(self.orders, "order"),
            counted(
                usize::try_from(self.totals.applied.events).unwrap_or(usize::MAX),
                "event"
            ),
            counted(self.sent.len(), "mail"),
        );
        if self.still_planned > 0 {
            let _ = write!(
                text,
                " {} planned for later than {}.",
                is_or_are(self.still_planned),
                self.totals.until.format("%Y-%m-%d")
            );
        }
        text
    }

    fn what_next(&self, is_over: bool) -> String {
        let config = &self.config;
        let example = self
            .not_sent
            .iter()
            .find(|group| group.channel == "allegro" || group.channel == "amazon")
            .or(self.not_sent.first())
            .map_or("10001", |group| group.example.as_str());
        let mut text = format!(
            "\nThe mails are in {}: open one in any mail program.\n\nNext, ask why a buyer got a mail, or did not:\n  \
             afternote --config {config} why 10001\n  afternote --config {config} why {example}\n  \
             afternote --config {config} outbox list\nand begin your own configuration:\n  \
             afternote config example > afternote.toml",
            self.mails
        );
        if !is_over {
            let _ = write!(
                text,
                "\n\nFrom here on the clock is the real one. Order files put into {}/CHANNEL/ are taken in\n\
                 (their mails go to the folder outbox beside it). Ctrl-C ends.",
                self.inbox
            );
        }
        text
    }
}

fn is_or_are(count: usize) -> String {
    match count {
        1 => "1 more is".to_owned(),
        _ => format!("{count} more are"),
    }
}
