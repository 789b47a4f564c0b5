//! Stop switches and named leases: what keeps workers from acting, or from acting twice.

use sqlx::FromRow;

use crate::clock::Instant;

use super::{StoreError, Ts, Tx, rows::Covers};

statements! {
    SET = ["INSERT INTO switches (channel, step, covers, cause, reason, actor, set_at, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (channel, step, covers, cause) DO UPDATE SET reason = excluded.reason, actor = excluded.actor, ends_at = excluded.ends_at"];
    LIFT = ["DELETE FROM switches WHERE channel = $1 AND step = $2 AND covers = $3 AND cause = $4"];
    SWITCHES = ["SELECT channel, step, covers, cause, reason, actor, set_at, ends_at FROM switches
        WHERE ends_at IS NULL OR ends_at > $1 ORDER BY channel, step, covers, cause"];
    TAKE_LEASE = ["INSERT INTO leases (name, worker, lease_until_at, fence) VALUES ($1, $2, $3, 1)
        ON CONFLICT (name) DO UPDATE SET worker = excluded.worker, lease_until_at = excluded.lease_until_at,
            fence = CASE WHEN leases.worker = excluded.worker THEN leases.fence ELSE leases.fence + 1 END
        WHERE leases.worker = excluded.worker OR leases.lease_until_at <= $4
        RETURNING fence"];
    DROP_LEASE = ["UPDATE leases SET lease_until_at = 0 WHERE name = $1 AND worker = $2"];
}

/// Who stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A person.
    Operator,
    /// The service itself, because something looks wrong (O2, D7, D15).
    Breaker,
}

impl Cause {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Breaker => "breaker",
        }
    }
}

/// A stop switch that is set. Mails wait behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// The channel; empty is every channel.
    pub channel: String,
    /// The step; empty is every step.
    pub step: String,
    /// Which mails.
    pub covers: Covers,
    /// Who stopped it.
    pub cause: Cause,
    /// Why, for people.
    pub reason: String,
    /// Which person or part of the service.
    pub actor: String,
    /// Since; kept when the switch is set again.
    pub set_at: Ts,
    /// Until; `None`: until somebody lifts it.
    pub ends_at: Option<Ts>,
}

#[derive(FromRow)]
struct RawSwitch {
    channel: String,
    step: String,
    covers: String,
    cause: String,
    reason: String,
    actor: String,
    set_at: Ts,
    ends_at: Option<Ts>,
}

impl TryFrom<RawSwitch> for Switch {
    type Error = StoreError;

    fn try_from(raw: RawSwitch) -> Result<Self, StoreError> {
        let corrupt = |column| StoreError::Corrupt {
            table: "switches",
            column,
            id: 0,
        };
        Ok(Self {
            covers: Covers::read(&raw.covers).ok_or_else(|| corrupt("covers"))?,
            cause: [Cause::Operator, Cause::Breaker]
                .into_iter()
                .find(|cause| cause.as_str() == raw.cause)
                .ok_or_else(|| corrupt("cause"))?,
            channel: raw.channel,
            step: raw.step,
            reason: raw.reason,
            actor: raw.actor,
            set_at: raw.set_at,
            ends_at: raw.ends_at,
        })
    }
}

impl Tx {
    /// Sets a switch, or changes its reason and end.
    pub async fn set_switch(&mut self, switch: &Switch) -> Result<(), StoreError> {
        execute!(
            self,
            SET,
            &switch.channel,
            &switch.step,
            switch.covers.as_str(),
            switch.cause.as_str(),
            &switch.reason,
            &switch.actor,
            switch.set_at,
            switch.ends_at,
        )
        .map(drop)
    }

    /// Lifts a switch; `false` when it was not set.
    pub async fn lift_switch(
        &mut self,
        channel: &str,
        step: &str,
        covers: Covers,
        cause: Cause,
    ) -> Result<bool, StoreError> {
        Ok(execute!(self, LIFT, channel, step, covers.as_str(), cause.as_str())? > 0)
    }

    /// Every switch that stands at `now`.
    pub async fn switches(&mut self, now: Instant) -> Result<Vec<Switch>, StoreError> {
        let rows: Vec<RawSwitch> = fetch_all!(self, SWITCHES, Ts::from(now))?;
        rows.into_iter().map(Switch::try_from).collect()
    }

    /// Takes a named lease, or prolongs it; `None` while another worker holds it.
    ///
    /// The number grows each time the lease changes hands.
    pub async fn take_lease(
        &mut self,
        name: &str,
        worker: &str,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        let row: Option<(i64,)> = fetch_optional!(
            self,
            TAKE_LEASE,
            name,
            worker,
            Ts::from(lease_until),
            Ts::from(now)
        )?;
        Ok(row.map(|(fence,)| fence))
    }

    /// Gives a named lease back before its end.
    pub async fn drop_lease(&mut self, name: &str, worker: &str) -> Result<(), StoreError> {
        execute!(self, DROP_LEASE, name, worker).map(drop)
    }
}
