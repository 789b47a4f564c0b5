//! Between claim and sending: every claimed row is decided again from the order as it is now, and
//! what may still go is rendered, linted, frozen and written down as an intent (promise 4).

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    clock::Instant,
    deliver::{Outgoing, Transport},
    mail::{MailClass, Message},
    order::Order,
    plan::{BuyerStanding, Detail, plan},
    sequence::{Decision, Reason, Verdict},
    store::{
        MessageRow, Ts,
        dispatch::{Decided, Leased, Verdict as RowVerdict},
        orders::{Lock, StoredOrder},
        plan::{PlanChange, Planned},
        settle::{Frozen, FrozenMail, IntentRow},
        switches::Switch,
    },
};

use super::{
    Channel, Engine, EngineError,
    compose::{Composed, Refusal},
    diff::{Target, changes, detail_of, ledger_of, planned_of, window_of},
    settle::Sending,
    standing,
};

/// When a mail is looked at again that the cap allows only if another one of its claim fails.
const BEHIND: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

/// The result of preparing a claim.
pub(super) struct Prepared {
    pub(super) ready: Vec<Ready>,
    pub(super) blocked: u64,
    pub(super) not_sent: u64,
    pub(super) changed: u64,
}

/// A mail whose intent is written: it is sent now.
pub(super) struct Ready {
    pub(super) sending: Sending,
    pub(super) outgoing: Outgoing,
    pub(super) transport: Transport,
}

/// What a row that is due would become now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// It would go: the whole mail, as it would be frozen.
    Mail(Arc<[u8]>),
    /// It would not go now.
    NotSent {
        /// Whether the linter or the renderer stops it.
        is_blocked: bool,
        /// Why.
        reason: Option<Reason>,
        /// Values of the reason.
        detail: Option<String>,
    },
}

/// A claimed row with all that is needed to decide about it.
struct Job {
    row: MessageRow,
    siblings: Vec<MessageRow>,
    order: Order,
    order_version: i64,
    is_erased: bool,
    standing: BuyerStanding,
    frozen: Option<FrozenMail>,
}

/// What became of a claimed row.
enum Judged {
    Send(Box<Mail>),
    Decide(Box<Decided>, Vec<PlanChange>),
    Block(Box<Decided>),
}

struct Mail {
    sending: Sending,
    order_version: i64,
    outgoing: Outgoing,
    lint: Option<String>,
    frozen: Option<(Message, String, String)>,
}

impl Engine {
    pub(super) async fn prepare(
        &self,
        rows: Vec<MessageRow>,
        switches: &[Switch],
        now: Instant,
    ) -> Result<Prepared, EngineError> {
        let jobs = self.jobs(rows, switches, now).await?;
        let judged = self.judge_all(jobs, now).await;
        let mut prepared = Prepared {
            ready: Vec::new(),
            blocked: 0,
            not_sent: 0,
            changed: 0,
        };
        let mut mails = Vec::new();
        let mut decided = Vec::new();
        for one in judged {
            match one {
                Judged::Send(mail) => mails.push(*mail),
                Judged::Decide(row, changes) => {
                    prepared.not_sent += 1;
                    decided.push((*row, changes));
                }
                Judged::Block(row) => {
                    prepared.blocked += 1;
                    decided.push((*row, Vec::new()));
                }
            }
        }
        self.write_decisions(decided, now).await?;
        self.write_intents(mails, now, &mut prepared).await?;
        Ok(prepared)
    }

    /// What a claim of these rows would become now, without claiming or writing anything (O5).
    pub(super) async fn foresee(
        &self,
        rows: Vec<MessageRow>,
        switches: &[Switch],
        now: Instant,
    ) -> Result<BTreeMap<i64, Foreseen>, EngineError> {
        let jobs = self.jobs(rows, switches, now).await?;
        let judged = self.judge_all(jobs, now).await;
        Ok(judged
            .into_iter()
            .map(|one| match one {
                Judged::Send(mail) => (
                    mail.sending.leased.id,
                    Foreseen::Mail(mail.outgoing.raw.clone()),
                ),
                Judged::Decide(row, _) | Judged::Block(row) => (
                    row.leased.id,
                    Foreseen::NotSent {
                        is_blocked: matches!(row.verdict, RowVerdict::Blocked),
                        reason: row.reason,
                        detail: row.detail.clone(),
                    },
                ),
            })
            .collect())
    }

    /// Reads orders, ledgers and standings of the claimed rows, each in one statement.
    async fn jobs(
        &self,
        rows: Vec<MessageRow>,
        switches: &[Switch],
        now: Instant,
    ) -> Result<Vec<Job>, EngineError> {
        let ids: BTreeSet<i64> = rows.iter().map(|row| row.order_id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut tx = self.db.read().await?;
        let loaded = tx.load_orders(&ids, Lock::None).await?;
        for error in &loaded.corrupt {
            tracing::error!(event = "order.unreadable", %error);
        }
        let orders: BTreeMap<i64, StoredOrder> = loaded
            .rows
            .into_iter()
            .map(|order| (order.id, order))
            .collect();
        let ledger = super::by_order(tx.load_messages(&ids).await?.rows);
        let keys: BTreeMap<i64, String> = orders
            .values()
            .filter_map(|order| Some((order.id, order.buyer_key.clone()?)))
            .collect();
        let suppressions = standing::suppressions(&mut tx, keys.values()).await?;
        let relationship: Vec<&str> = rows
            .iter()
            .filter(|row| row.class() == MailClass::Relationship)
            .filter_map(|row| keys.get(&row.order_id).map(String::as_str))
            .collect();
        let sent = match self.cap {
            Some(cap) if !relationship.is_empty() => {
                tx.relationship_sent(&relationship, now - cap.per.elapsed())
                    .await?
            }
            _ => Vec::new(),
        };
        let frozen_ids: Vec<i64> = rows
            .iter()
            .filter(|r| r.is_frozen())
            .map(|r| r.id)
            .collect();
        let mut frozen: BTreeMap<i64, FrozenMail> = if frozen_ids.is_empty() {
            BTreeMap::new()
        } else {
            tx.load_frozen(&frozen_ids)
                .await?
                .into_iter()
                .map(|mail| (mail.id, mail))
                .collect()
        };
        drop(tx);
        let mut jobs = Vec::with_capacity(rows.len());
        // Relationship mails to one buyer in the same claim would all see the cap open.
        let mut taken: BTreeMap<&str, Vec<Instant>> = BTreeMap::new();
        for row in rows {
            let Some(stored) = orders.get(&row.order_id) else {
                continue;
            };
            let key = keys.get(&row.order_id).map(String::as_str);
            let is_relationship = row.class() == MailClass::Relationship;
            let capped_until = match (self.cap, key) {
                (Some(cap), Some(key)) if is_relationship => {
                    let ahead = taken.entry(key).or_default();
                    let free = standing::capped_until(&sent, &[], key, row.id, cap, now);
                    // Whether those ahead of it go is not known yet: look again in a moment.
                    let free = free.or_else(|| {
                        standing::capped_until(&sent, ahead, key, row.id, cap, now)
                            .map(|_| now + BEHIND)
                    });
                    if free.is_none() {
                        ahead.push(now);
                    }
                    free
                }
                _ => None,
            };
            let standing = BuyerStanding {
                capped_until,
                is_paused: standing::switch_for(switches, &row.channel, row.class(), &row.step)
                    .is_some(),
                ..suppressions.of(key, &row.channel)
            };
            jobs.push(Job {
                order: Order::from_facts(
                    &stored.channel,
                    &stored.external_ref,
                    stored.facts.clone(),
                ),
                order_version: stored.version,
                is_erased: stored.erased_at.is_some(),
                standing,
                frozen: frozen.remove(&row.id),
                siblings: ledger.get(&row.order_id).cloned().unwrap_or_default(),
                row,
            });
        }
        Ok(jobs)
    }

    /// Decides and renders on the blocking threads, a share each.
    async fn judge_all(&self, jobs: Vec<Job>, now: Instant) -> Vec<Judged> {
        let share = jobs.len().div_ceil(self.parallel).max(8);
        let mut tasks = Vec::new();
        let mut rest = jobs;
        while !rest.is_empty() {
            let tail = rest.split_off(share.min(rest.len()));
            let (engine, part) = (self.clone(), std::mem::replace(&mut rest, tail));
            tasks.push(tokio::task::spawn_blocking(move || {
                part.into_iter()
                    .map(|job| engine.judge(&job, now))
                    .collect::<Vec<Judged>>()
            }));
        }
        let mut judged = Vec::new();
        for task in tasks {
            match task.await {
                Ok(part) => judged.extend(part),
                // `judge` catches the panics of rendering; what is left is a fault of ours. The
                // rows come back with the sweep.
                Err(error) => tracing::error!(event = "prepare.failed", %error),
            }
        }
        judged
    }

    /// Decides one claimed row anew; what may still go is made into a mail.
    fn judge(&self, job: &Job, now: Instant) -> Judged {
        let Some(channel) = self.channels.get(&job.row.channel) else {
            return decide(
                job,
                RowVerdict::Plan(Planned::Held(None)),
                Some(Reason::NoLongerApplies),
                None,
            );
        };
        if job.is_erased {
            return decide(
                job,
                RowVerdict::Plan(Planned::Skipped),
                Some(Reason::Erased),
                None,
            );
        }
        let ledger = ledger_of(&job.order, &job.siblings);
        let decisions = plan(
            &job.order,
            &channel.rules,
            &ledger,
            &job.standing,
            now,
            Detail::Verdicts,
        );
        let decision = decisions.iter().find(|d| {
            d.step == job.row.step && d.scope == job.row.scope && d.revision == job.row.revision
        });
        let Some(decision) = decision else {
            return decide(
                job,
                RowVerdict::Plan(Planned::Skipped),
                Some(Reason::NoLongerApplies),
                None,
            );
        };
        match decision.verdict {
            Verdict::Scheduled { send_at, .. } if send_at <= now => {}
            _ => return not_now(job, decision, &decisions),
        }
        self.make(job, channel, decision, now)
    }

    /// The mail of a row that may go: its frozen bytes, or a new one that passes the linter.
    fn make(&self, job: &Job, channel: &Channel, decision: &Decision, now: Instant) -> Judged {
        let sending = |message_id: String| Sending {
            leased: Leased::from(&job.row),
            order_id: job.row.order_id,
            channel: job.row.channel.clone(),
            step: job.row.step.clone(),
            scope: job.row.scope.clone(),
            revision: job.row.revision,
            kind: job.row.kind,
            parcels: decision.parcels.clone(),
            message_id,
            buyer_key: job.row.buyer_key.clone(),
            window_until: window_of(&decision.verdict).1,
            planned_at: job.row.planned_at.into(),
            attempts: job.row.attempts,
            started_at: now,
        };
        if job.row.is_frozen() {
            return match thaw(job) {
                Some((message_id, outgoing)) => Judged::Send(Box::new(Mail {
                    sending: sending(message_id),
                    order_version: job.order_version,
                    outgoing,
                    lint: None,
                    frozen: None,
                })),
                None => block(
                    job,
                    Reason::RenderFailed,
                    "the text of its first attempt was deleted",
                    None,
                ),
            };
        }
        // A panic in a template, the renderer or the linter parks this mail and no other (O14).
        let composed = catch_unwind(AssertUnwindSafe(|| {
            self.compose(channel, &job.order, decision, now)
        }));
        match composed {
            Ok(Ok(Composed {
                message,
                template,
                template_hash,
                lint,
            })) => {
                let outgoing = Outgoing::from(&message);
                Judged::Send(Box::new(Mail {
                    sending: sending(message.message_id.clone()),
                    order_version: job.order_version,
                    outgoing,
                    lint: Some(lint),
                    frozen: Some((message, template, template_hash)),
                }))
            }
            Ok(Err(Refusal::Lint { rules, verdict })) => {
                tracing::error!(event = "message.blocked", message.id = job.row.id, mail.kind = %job.row.kind, rules);
                block(job, Reason::LintBlocked, &rules, Some(verdict))
            }
            Ok(Err(Refusal::Render(why))) => {
                tracing::error!(event = "message.blocked", message.id = job.row.id, mail.kind = %job.row.kind, %why);
                block(job, Reason::RenderFailed, &why, None)
            }
            Err(_) => {
                tracing::error!(event = "message.blocked", message.id = job.row.id, mail.kind = %job.row.kind, why = "panic");
                block(
                    job,
                    Reason::RenderFailed,
                    "rendering broke down; please report it",
                    None,
                )
            }
        }
    }

    /// Stores decisions, but only where the order is still the one they were made for.
    async fn write_decisions(
        &self,
        decided: Vec<(Decided, Vec<PlanChange>)>,
        now: Instant,
    ) -> Result<(), EngineError> {
        if decided.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<i64> = decided.iter().map(|(row, _)| row.order_id).collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let mut tx = self.db.begin().await?;
        let versions: BTreeMap<i64, i64> = tx
            .load_orders(&ids, Lock::Rows)
            .await?
            .rows
            .into_iter()
            .map(|order| (order.id, order.version))
            .collect();
        let (current, stale): (Vec<_>, Vec<_>) = decided
            .into_iter()
            .partition(|(row, _)| versions.get(&row.order_id) == Some(&row.order_version));
        let rows: Vec<Decided> = current.iter().map(|(row, _)| row.clone()).collect();
        if !rows.is_empty() {
            tx.decide(&self.worker, &rows, now).await?;
        }
        let changes: Vec<PlanChange> = current
            .into_iter()
            .flat_map(|(_, changes)| changes)
            .collect();
        tx.write_plan(&changes, now).await?;
        let stale: Vec<Leased> = stale.into_iter().map(|(row, _)| row.leased).collect();
        if !stale.is_empty() {
            tx.release(&self.worker, &stale, Some(now), now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Writes the intents; rows whose order changed meanwhile are given back and looked at again.
    async fn write_intents(
        &self,
        mails: Vec<Mail>,
        now: Instant,
        prepared: &mut Prepared,
    ) -> Result<(), EngineError> {
        if mails.is_empty() {
            return Ok(());
        }
        let rows: Vec<IntentRow<'_>> = mails
            .iter()
            .map(|mail| IntentRow {
                leased: mail.sending.leased,
                order_version: mail.order_version,
                parcels: &mail.sending.parcels,
                frozen: mail
                    .frozen
                    .as_ref()
                    .map(|(message, template, hash)| Frozen {
                        message_id: &message.message_id,
                        sender: message.envelope.sender.as_str(),
                        recipient: message.envelope.recipient.as_str(),
                        raw: &message.raw,
                        template,
                        template_hash: hash,
                    }),
                lint: mail.lint.as_deref(),
            })
            .collect();
        let mut tx = self.db.begin().await?;
        let passed: BTreeSet<i64> = tx
            .intent(&self.worker, &rows, now, now + self.lease)
            .await?
            .into_iter()
            .collect();
        let refused: Vec<Leased> = mails
            .iter()
            .map(|mail| mail.sending.leased)
            .filter(|leased| !passed.contains(&leased.id))
            .collect();
        if !refused.is_empty() {
            tx.release(&self.worker, &refused, Some(now), now).await?;
        }
        tx.commit().await?;
        prepared.changed += refused.len() as u64;
        for mail in mails {
            let Some(channel) = self.channels.get(&mail.sending.channel) else {
                continue;
            };
            if passed.contains(&mail.sending.leased.id) {
                prepared.ready.push(Ready {
                    sending: mail.sending,
                    outgoing: mail.outgoing,
                    transport: channel.transport.clone(),
                });
            }
        }
        Ok(())
    }
}

/// A row that does not go now, and what its order's other rows become by the same plan.
fn not_now(job: &Job, decision: &Decision, decisions: &[Decision]) -> Judged {
    let planned = planned_of(&decision.verdict).unwrap_or(Planned::Held(None));
    let mut judged = decide(
        job,
        RowVerdict::Plan(planned),
        decision.verdict.reason(),
        detail_of(&decision.verdict),
    );
    if let Judged::Decide(row, others) = &mut judged {
        let (from, until) = window_of(&decision.verdict);
        row.window_from = from.map(Ts::from);
        row.window_until = until.map(Ts::from);
        let target = Target {
            order_id: job.row.order_id,
            channel: &job.row.channel,
            order_version: job.order_version,
            buyer_key: job.row.buyer_key.as_deref(),
        };
        *others = changes(target, decisions, &job.siblings);
    }
    judged
}

fn decide(
    job: &Job,
    verdict: RowVerdict,
    reason: Option<Reason>,
    detail: Option<String>,
) -> Judged {
    Judged::Decide(
        Box::new(decided(job, verdict, reason, detail, None)),
        Vec::new(),
    )
}

fn block(job: &Job, reason: Reason, detail: &str, lint: Option<String>) -> Judged {
    Judged::Block(Box::new(decided(
        job,
        RowVerdict::Blocked,
        Some(reason),
        Some(detail.to_owned()),
        lint,
    )))
}

fn decided(
    job: &Job,
    verdict: RowVerdict,
    reason: Option<Reason>,
    detail: Option<String>,
    lint: Option<String>,
) -> Decided {
    Decided {
        leased: Leased::from(&job.row),
        order_id: job.row.order_id,
        verdict,
        reason,
        detail,
        window_from: job.row.window_from,
        window_until: job.row.window_until,
        order_version: job.order_version,
        template: None,
        template_hash: None,
        lint,
    }
}

/// The frozen mail of an earlier attempt, byte for byte.
fn thaw(job: &Job) -> Option<(String, Outgoing)> {
    let frozen = job.frozen.as_ref()?;
    let envelope = crate::mail::Envelope {
        sender: frozen.sender.parse().ok()?,
        recipient: frozen.recipient.parse().ok()?,
    };
    Some((
        frozen.message_id.clone(),
        Outgoing::new(envelope, frozen.raw.clone()).named(file_name(&frozen.message_id)),
    ))
}

/// What a file of the mail is called: the part of its Message-ID before the domain, so that an
/// attempt again writes the same file.
fn file_name(message_id: &str) -> String {
    message_id
        .trim_start_matches('<')
        .split('@')
        .next()
        .unwrap_or_default()
        .to_owned()
}
