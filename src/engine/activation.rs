//! What switching mails on for imported orders would send, before anything is stored (O1).

use std::{collections::BTreeMap, sync::Arc};

use chrono::TimeDelta;

use crate::{
    intake::{self, ReadError},
    order::{Order, OrderEvent},
    plan::{
        Ledger,
        simulate::{Simulated, Span, Subject, simulate},
    },
    store::orders::Lock,
};

use super::{
    Engine, EngineError, Intake,
    apply::{activation, apply_each, prepare},
    diff::ledger_of,
    import::ImportFile,
};

/// Longer than any window is open.
const SPAN_DAYS: i64 = 60;

impl Engine {
    /// Every mail the orders of these files would get if mails were switched on for them now.
    ///
    /// Reads the files and the ledger, writes nothing. What was sent already is not counted again.
    pub async fn preview_activation(
        &self,
        files: &[ImportFile<'_>],
    ) -> Result<Vec<Simulated>, EngineError> {
        let now = self.clock.now();
        let mut events: BTreeMap<(String, String), Vec<OrderEvent>> = BTreeMap::new();
        for file in files {
            self.read_events(*file, &mut events)?;
        }
        let mut subjects = Vec::new();
        let mut tx = self.db.read().await?;
        for ((channel, order_ref), mut told) in events {
            let Some(rules) = self.channels.get(&channel).map(|c| Arc::clone(&c.rules)) else {
                continue;
            };
            let known = tx.find_orders(&order_ref, Some(&channel)).await?;
            let (mut order, mut rows) = (Order::new(&channel, &order_ref), Vec::new());
            if let Some(summary) = known.first() {
                if summary.erased_at.is_some() {
                    continue;
                }
                if let Some(stored) = tx.load_orders(&[summary.id], Lock::None).await?.rows.pop() {
                    order = Order::from_facts(&channel, &order_ref, stored.facts);
                }
                rows = tx.load_messages(&[summary.id]).await?.rows;
            }
            told.push(activation(&order_ref, &channel, now));
            let told: Vec<(usize, OrderEvent)> = told.into_iter().enumerate().collect();
            let (order, _refused) = apply_each(order, &told);
            let ledger = if rows.is_empty() {
                Ledger::default()
            } else {
                ledger_of(&order, &rows)
            };
            subjects.push(Subject {
                rules,
                buyer_key: self.buyer_key(&order),
                order,
                ledger,
                coming: Vec::new(),
            });
        }
        drop(tx);
        let span = Span {
            from: now,
            to: now + TimeDelta::days(SPAN_DAYS),
            cap: self.cap,
        };
        let mut mails = simulate(subjects, span);
        mails.retain(|mail| mail.is_sent);
        Ok(mails)
    }

    fn read_events(
        &self,
        file: ImportFile<'_>,
        events: &mut BTreeMap<(String, String), Vec<OrderEvent>>,
    ) -> Result<(), EngineError> {
        let now = self.clock.now();
        let name = file
            .path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let reader = std::fs::File::open(file.path).map_err(|source| EngineError::Io {
            what: format!("reading {}", file.path.display()),
            source,
        })?;
        let refused =
            |error: ReadError| EngineError::Refused(format!("{}: {error}", file.path.display()));
        let (format, reader) =
            intake::sniff(&name, std::io::BufReader::new(reader)).map_err(refused)?;
        let records =
            intake::open(format, reader, self.options(file.channel, now)).map_err(refused)?;
        for item in records {
            // What is refused here is refused and reported by the import itself.
            let Ok(record) = item else { continue };
            let channel = record.channel.unwrap_or_else(|| file.channel.to_owned());
            for event in record.events {
                let event = prepare(event, &channel, Intake::Activated, None, now);
                events
                    .entry((channel.clone(), event.order_ref.clone()))
                    .or_default()
                    .push(event);
            }
        }
        Ok(())
    }
}
