//! `simulate` on what the database holds: the orders as they stand, over a moved clock.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    order::Order,
    plan::{
        ChannelRules,
        simulate::{Simulated, Span, Subject, simulate},
    },
    store::orders::Lock,
};

use super::{Engine, EngineError, diff::ledger_of};

/// Orders loaded at a time.
const PAGE: u32 = 1_000;

impl Engine {
    /// The mails the stored orders would get in a span, if nothing else happened to them.
    pub async fn simulate_stored(
        &self,
        span: Span,
        progress: impl FnMut(u64),
    ) -> Result<Vec<Simulated>, EngineError> {
        let rules = self
            .channels
            .iter()
            .map(|(name, channel)| (name.clone(), Arc::clone(&channel.rules)))
            .collect();
        Ok(simulate(
            self.stored_subjects(&rules, progress).await?,
            span,
        ))
    }

    /// The stored orders under the given rules, which may be those of another configuration.
    ///
    /// Orders of channels without rules and of erased buyers are left out.
    pub async fn stored_subjects(
        &self,
        rules: &BTreeMap<String, Arc<ChannelRules>>,
        mut progress: impl FnMut(u64),
    ) -> Result<Vec<Subject>, EngineError> {
        let mut subjects = Vec::new();
        let mut after = 0;
        let mut tx = self.db.read().await?;
        loop {
            let ids = tx.next_orders(after, PAGE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            let stored = tx.load_orders(&ids, Lock::None).await?.rows;
            let mut rows = super::by_order(tx.load_messages(&ids).await?.rows);
            for row in stored.into_iter().filter(|row| row.erased_at.is_none()) {
                let Some(rules) = rules.get(&row.channel) else {
                    continue;
                };
                let order = Order::from_facts(&row.channel, &row.external_ref, row.facts);
                let ledger = ledger_of(&order, &rows.remove(&row.id).unwrap_or_default());
                subjects.push(Subject {
                    rules: Arc::clone(rules),
                    buyer_key: self.buyer_key(&order),
                    order,
                    ledger,
                    coming: Vec::new(),
                });
            }
            progress(subjects.len() as u64);
        }
        Ok(subjects)
    }

    /// The cap on relationship mail, for a simulation under the same rules.
    pub fn cap(&self) -> Option<crate::policy::Cap> {
        self.cap
    }
}
