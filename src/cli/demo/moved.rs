//! Events and due mails on a clock that jumps from one to the next.

use std::iter::Peekable;

use serde::Serialize;
use tokio::sync::watch;

use crate::{
    clock::{Clock as _, Instant, ManualClock},
    engine::{Applied, Engine, Incoming, Intake},
    order::OrderEvent,
};

/// What happened on the way.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    /// Events taken in, and refused ones.
    pub(super) applied: Applied,
    /// Mails accepted.
    pub(super) sent: u64,
    /// Where the clock stopped.
    pub(super) until: Instant,
}

/// Runs until nothing is left to happen, or until `end`.
pub(super) async fn run(
    engine: &Engine,
    clock: &ManualClock,
    events: Vec<(String, OrderEvent)>,
    end: Instant,
    mut on_move: impl FnMut(Instant),
) -> anyhow::Result<Totals> {
    let (_keep, stop) = watch::channel(false);
    let mut totals = Totals::default();
    let mut events = events.into_iter().peekable();
    loop {
        let arriving = events.peek().map(|(_, event)| arrival(event));
        let due = engine.next_due().await?;
        let Some(next) = [arriving, due].into_iter().flatten().min() else {
            break;
        };
        if next > end {
            clock.set(end);
            break;
        }
        clock.set(next);
        on_move(next);
        let batch = take_arrived(&mut events, next);
        if !batch.is_empty() {
            totals
                .applied
                .add(engine.apply(batch, Intake::Live).await?, 0);
        }
        let dispatched = engine.dispatch(&stop).await?;
        totals.sent += dispatched.sent;
    }
    totals.until = clock.now();
    Ok(totals)
}

fn arrival(event: &OrderEvent) -> Instant {
    event.received_at.unwrap_or(event.occurred_at)
}

/// What has arrived by now.
fn take_arrived(
    events: &mut Peekable<impl Iterator<Item = (String, OrderEvent)>>,
    now: Instant,
) -> Vec<Incoming> {
    let mut batch = Vec::new();
    while let Some((channel, event)) = events.next_if(|(_, event)| arrival(event) <= now) {
        batch.push(Incoming { channel, event });
    }
    batch
}
