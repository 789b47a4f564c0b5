//! What people may order: pause, resume, skip, resend, send now, withdraw, retry, decide, suppress.
//!
//! Orders about an order become facts of it, so the plan obeys them like any other fact and
//! `why` shows them. Each is written to the audit log with who asked and why. Nothing here goes
//! around a rule: a resend still passes linter, basis, suppressions and "once per order".

use serde_json::json;

use crate::{
    clock::Instant,
    mail::{Address, MailClass},
    order::{
        Fact, Order, OrderEvent, TimePrecision,
        event::{Hold, StepOrder},
    },
    sequence::{Reason, Scope},
    store::{
        MessageRow, Status, Ts, Tx,
        buyers::Suppression,
        doubt::Resolution,
        housekeeping::AuditEntry,
        orders::Lock,
        rows::Covers,
        switches::{Cause, Switch},
    },
};

use super::{Channel, Engine, EngineError, explain::load_one};

/// Who asks, and why.
#[derive(Debug, Clone)]
pub struct By<'a> {
    /// Who: `cli:anna`, a login of the console.
    pub actor: &'a str,
    /// Why, in their words.
    pub reason: &'a str,
}

/// What an operator wants for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderAction<'a> {
    /// Nothing goes until it is resumed.
    Pause,
    /// What was paused may go on.
    Resume,
    /// This step is not to go.
    Skip(&'a str),
    /// This step is to go once more, as a new revision.
    Resend(&'a str),
    /// This step is to go as soon as its window and hours allow.
    SendNow(&'a str),
}

/// What an operator decides about a mail in doubt (D10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It arrived: what follows it may go.
    Sent,
    /// It did not arrive and is not to be sent any more.
    NotSent,
    /// It did not arrive: send it again, with the same Message-ID.
    SendAgain,
}

impl Channel {
    /// Refuses a step the channel's sequence does not have, and lists those it has.
    pub(super) fn check_step(&self, step: &str) -> Result<(), EngineError> {
        let sequence = &self.rules.sequence;
        if sequence.step(step).is_some() {
            return Ok(());
        }
        Err(EngineError::UnknownStep {
            step: step.to_owned(),
            sequence: sequence.name.clone(),
            known: sequence
                .steps
                .iter()
                .map(|s| s.id.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

impl Engine {
    /// Carries out an order about one order; gives what its plan became, as [`Engine::why`] tells it.
    pub async fn operate(
        &self,
        order_ref: &str,
        channel: Option<&str>,
        action: OrderAction<'_>,
        scope: Option<&Scope>,
        by: &By<'_>,
    ) -> Result<(), EngineError> {
        if by.reason.trim().is_empty() {
            return Err(EngineError::Refused(
                "a reason is needed; say why with --reason".to_owned(),
            ));
        }
        let summary = self.find_order(order_ref, channel).await?;
        let channel = self
            .channels
            .get(&summary.channel)
            .ok_or_else(|| EngineError::UnknownChannel(summary.channel.clone()))?;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let stored = load_one(&mut tx, summary.id, Lock::Rows).await?;
        let rows = tx.load_messages(&[summary.id]).await?.rows;
        let order = Order::from_facts(&stored.channel, &stored.external_ref, stored.facts.clone());
        let fact = operator_fact(action, channel, &order, &rows, scope, by)?;
        let name = fact.kind();
        let event = operator_event(&order, fact, now);
        let changed = order
            .apply(&event)
            .map_err(|why| EngineError::Refused(why.to_string()))?;
        tx.insert_events(&[super::apply::new_event(summary.id, &event, now)])
            .await?;
        self.save(&mut tx, &[(&stored, changed)], now).await?;
        let detail = json!({ "reason": by.reason, "step": action.step(), "scope": scope.map(ToString::to_string) });
        audit(
            &mut tx,
            by.actor,
            name,
            &format!("order:{}", summary.id),
            &detail,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Stops or starts mails of a channel, or of all channels.
    pub async fn switch(
        &self,
        channel: Option<&str>,
        covers: Covers,
        is_stop: bool,
        by: &By<'_>,
    ) -> Result<(), EngineError> {
        if let Some(name) = channel
            && !self.channels.contains_key(name)
        {
            return Err(EngineError::UnknownChannel(name.to_owned()));
        }
        let now = self.clock.now();
        let name = channel.unwrap_or_default();
        let mut tx = self.db.begin().await?;
        if is_stop {
            tx.set_switch(&Switch {
                channel: name.to_owned(),
                step: String::new(),
                covers,
                cause: Cause::Operator,
                reason: by.reason.to_owned(),
                actor: by.actor.to_owned(),
                set_at: Ts::from(now),
                ends_at: None,
            })
            .await?;
        } else {
            // A person who resumes a channel means it, whoever stopped it.
            for cause in [Cause::Operator, Cause::Breaker] {
                tx.lift_switch(name, "", covers, cause).await?;
            }
        }
        let action = if is_stop { "pause" } else { "resume" };
        let detail = json!({ "reason": by.reason, "covers": covers.as_str() });
        audit(
            &mut tx,
            by.actor,
            action,
            &format!("channel:{name}"),
            &detail,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps all mail, or relationship mail, from an address, and takes what is planned back.
    pub async fn suppress(
        &self,
        address: &Address,
        covers: Covers,
        reason: &str,
        by: &By<'_>,
    ) -> Result<usize, EngineError> {
        let now = self.clock.now();
        let key = self.keys.of(address).to_string();
        let mut tx = self.db.begin().await?;
        tx.suppress(
            &[Suppression {
                buyer_key: key.clone(),
                channel: String::new(),
                covers,
                reason: reason.to_owned(),
                source: by.actor.to_owned(),
                created_at: Ts::from(now),
            }],
            now,
        )
        .await?;
        let replanned = self.replan_buyer(&mut tx, &key, now).await?;
        let detail = json!({ "reason": by.reason, "covers": covers.as_str() });
        audit(
            &mut tx,
            by.actor,
            "suppress",
            &format!("buyer:{key}"),
            &detail,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(replanned)
    }

    /// Lets mail to an address go again.
    pub async fn lift_suppression(
        &self,
        address: &Address,
        covers: Covers,
        by: &By<'_>,
    ) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let key = self.keys.of(address).to_string();
        let mut tx = self.db.begin().await?;
        let was_there = tx.lift_suppression(&key, "", covers).await?;
        self.replan_buyer(&mut tx, &key, now).await?;
        let detail = json!({ "reason": by.reason, "covers": covers.as_str() });
        audit(
            &mut tx,
            by.actor,
            "unsuppress",
            &format!("buyer:{key}"),
            &detail,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(was_there)
    }

    /// What is kept from an address, on whichever channel.
    pub async fn suppressions_of(
        &self,
        address: &Address,
    ) -> Result<Vec<Suppression>, EngineError> {
        let key = self.keys.of(address).to_string();
        let mut tx = self.db.read().await?;
        Ok(tx.suppressions_of(&[&key]).await?)
    }

    /// Plans every order of a buyer anew, in the transaction that changed the buyer's standing (U5).
    async fn replan_buyer(
        &self,
        tx: &mut Tx,
        key: &str,
        now: Instant,
    ) -> Result<usize, EngineError> {
        let ids = tx.orders_of_buyer(key).await?;
        let stored = tx.load_orders(&ids, Lock::Rows).await?.rows;
        let updates: Vec<_> = stored
            .iter()
            .filter(|row| row.erased_at.is_none())
            .map(|row| {
                (
                    row,
                    Order::from_facts(&row.channel, &row.external_ref, row.facts.clone()),
                )
            })
            .collect();
        self.save(tx, &updates, now).await?;
        Ok(updates.len())
    }

    /// Puts a blocked or dead message back into the plan: its template was mended, its address put
    /// right.
    pub async fn retry_message(&self, id: i64, by: &By<'_>) -> Result<(), EngineError> {
        let row = self.message(id).await?;
        if !matches!(row.status, Status::Blocked | Status::Dead) {
            return Err(EngineError::Refused(format!(
                "message {id} is {}; only blocked and dead messages can be retried{}",
                row.status,
                if row.status == Status::Uncertain {
                    "; decide about it with `afternote outbox decide`"
                } else {
                    ""
                }
            )));
        }
        if row.status == Status::Dead && row.class() == MailClass::Relationship {
            return Err(EngineError::Refused(format!(
                "message {id} was refused by the relay; a {} is never tried a second time",
                row.kind
            )));
        }
        self.resolve(
            &row,
            Status::Planned,
            Some(self.clock.now()),
            Reason::Retrying,
            "outbox.retry",
            by,
        )
        .await
    }

    /// Takes a message that has not gone out of the plan for good.
    pub async fn withdraw(&self, id: i64, by: &By<'_>) -> Result<(), EngineError> {
        let row = self.message(id).await?;
        if !matches!(row.status, Status::Planned | Status::Blocked) {
            return Err(EngineError::Refused(format!(
                "message {id} is {}; only planned and blocked messages can be withdrawn",
                row.status
            )));
        }
        self.resolve(
            &row,
            Status::Dead,
            None,
            Reason::OperatorWithdrew,
            "outbox.withdraw",
            by,
        )
        .await
    }

    /// Settles a mail in doubt as a person has found out (D10).
    pub async fn decide_doubt(
        &self,
        id: i64,
        doubt: Doubt,
        by: &By<'_>,
    ) -> Result<(), EngineError> {
        let row = self.message(id).await?;
        if row.status != Status::Uncertain {
            return Err(EngineError::Refused(format!(
                "message {id} is {}; only uncertain messages need a decision",
                row.status
            )));
        }
        match doubt {
            Doubt::Sent => {
                self.resolve(
                    &row,
                    Status::Sent,
                    None,
                    Reason::OperatorDecidedSent,
                    "outbox.decide",
                    by,
                )
                .await
            }
            Doubt::NotSent => {
                self.resolve(
                    &row,
                    Status::Dead,
                    None,
                    Reason::OperatorDecidedNotSent,
                    "outbox.decide",
                    by,
                )
                .await
            }
            Doubt::SendAgain => {
                let now = self.clock.now();
                self.resolve(
                    &row,
                    Status::Planned,
                    Some(now),
                    Reason::Retrying,
                    "outbox.decide",
                    by,
                )
                .await
            }
        }
    }

    /// One row of the outbox.
    pub async fn message(&self, id: i64) -> Result<MessageRow, EngineError> {
        let mut tx = self.db.read().await?;
        tx.message(id).await?.ok_or(EngineError::UnknownMessage(id))
    }

    async fn resolve(
        &self,
        row: &MessageRow,
        to: Status,
        due_at: Option<Instant>,
        reason: Reason,
        action: &str,
        by: &By<'_>,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let stored = load_one(&mut tx, row.order_id, Lock::Rows).await?;
        let is_changed = tx
            .resolve(
                &Resolution {
                    id: row.id,
                    from: row.status,
                    to,
                    due_at: due_at.map(Ts::from),
                    reason,
                    detail: Some(by.reason),
                },
                now,
            )
            .await?;
        if !is_changed {
            return Err(EngineError::Refused(format!(
                "message {} changed while you looked at it; look again and repeat",
                row.id
            )));
        }
        let mut order =
            Order::from_facts(&stored.channel, &stored.external_ref, stored.facts.clone());
        if to == Status::Sent && stored.erased_at.is_none() {
            let event = super::settle::accepted_by_decision(row, &stored.external_ref, now);
            tx.insert_events(&[super::apply::new_event(row.order_id, &event, now)])
                .await?;
            order = order
                .apply(&event)
                .map_err(|why| EngineError::Refused(why.to_string()))?;
        }
        if stored.erased_at.is_none() {
            self.save(&mut tx, &[(&stored, order)], now).await?;
        }
        let detail = json!({ "reason": by.reason, "from": row.status.as_str(), "to": to.as_str() });
        audit(
            &mut tx,
            by.actor,
            action,
            &format!("message:{}", row.id),
            &detail,
            now,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

impl OrderAction<'_> {
    const fn step(&self) -> Option<&str> {
        match self {
            Self::Skip(step) | Self::Resend(step) | Self::SendNow(step) => Some(step),
            Self::Pause | Self::Resume => None,
        }
    }
}

fn operator_fact(
    action: OrderAction<'_>,
    channel: &Channel,
    order: &Order,
    rows: &[MessageRow],
    scope: Option<&Scope>,
    by: &By<'_>,
) -> Result<Fact, EngineError> {
    if let Some(step) = action.step() {
        channel.check_step(step)?;
    }
    let hold = || Hold {
        hold_ref: Some("operator".to_owned()),
        reason: Some(by.reason.to_owned()),
    };
    let step_order = |step: &str, revision| StepOrder {
        step: step.to_owned(),
        scope: scope.map(ToString::to_string),
        reason: by.reason.to_owned(),
        revision,
    };
    Ok(match action {
        OrderAction::Pause => Fact::OrderHold(hold()),
        OrderAction::Resume => Fact::OrderReleased(hold()),
        OrderAction::Skip(step) => Fact::StepSkipped(step_order(step, None)),
        OrderAction::SendNow(step) => Fact::StepHastened(step_order(step, None)),
        OrderAction::Resend(step) => {
            let of_step = |s: &str| s == step;
            let known = rows
                .iter()
                .filter(|row| of_step(&row.step))
                .map(|row| row.revision);
            let asked = order
                .resends
                .iter()
                .filter(|(_, asked)| of_step(&asked.step))
                .filter_map(|(_, asked)| asked.revision);
            let last = known.chain(asked).max();
            let class = channel.rules.sequence.step(step).map(|s| s.kind.class());
            if last.is_none() {
                return Err(EngineError::Refused(format!(
                    "`{step}` has not been planned for this order, so there is nothing to send again"
                )));
            }
            if class == Some(MailClass::Relationship)
                && order.mails.iter().any(|(_, mail)| mail.step == step)
            {
                return Err(EngineError::Refused(format!(
                    "`{step}` was sent; it goes once for an order and never again"
                )));
            }
            Fact::StepResent(step_order(step, last.map(|revision| revision + 1)))
        }
    })
}

fn operator_event(order: &Order, fact: Fact, now: Instant) -> OrderEvent {
    OrderEvent {
        source: format!("operator:{}", order.channel),
        source_event_id: format!(
            "{}/{}/{}",
            fact.kind(),
            order.external_ref,
            now.timestamp_millis()
        ),
        order_ref: order.external_ref.clone(),
        parcel_ref: None,
        line_refs: Vec::new(),
        occurred_at: now,
        precision: TimePrecision::Second,
        received_at: Some(now),
        test: false,
        backfill: false,
        fact,
    }
}

async fn audit(
    tx: &mut Tx,
    actor: &str,
    action: &str,
    target: &str,
    detail: &serde_json::Value,
    now: Instant,
) -> Result<(), EngineError> {
    let detail = detail.to_string();
    tx.audit(
        AuditEntry {
            actor,
            action,
            target,
            detail: &detail,
        },
        now,
    )
    .await?;
    Ok(())
}
