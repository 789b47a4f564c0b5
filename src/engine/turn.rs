//! Turns: work that one of several workers does at a time.

use std::time::Duration;

use super::{Engine, EngineError};

impl Engine {
    /// Does `work` while holding the named turn; `None` while another worker has it.
    ///
    /// The turn is renewed as long as the work goes on. If another worker took it over all the
    /// same (this one stood still for longer than a lease), the work is dropped where it is:
    /// everything done under a turn may be done again.
    pub async fn in_turn<T>(
        &self,
        name: &str,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, EngineError> {
        if !self.take_turn(name).await? {
            return Ok(None);
        }
        let renewal = self.lease.to_std().unwrap_or_default() / 3;
        let renewal = renewal.max(Duration::from_secs(1));
        tokio::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = tokio::time::sleep(renewal) => {
                    if !self.take_turn(name).await? {
                        tracing::warn!(event = "turn.lost", turn = name);
                        return Ok(None);
                    }
                }
            }
        };
        let mut tx = self.db.single().await?;
        tx.drop_lease(name, &self.worker).await?;
        Ok(Some(done))
    }

    async fn take_turn(&self, name: &str) -> Result<bool, EngineError> {
        let now = self.clock.now();
        let mut tx = self.db.single().await?;
        let fence = tx
            .take_lease(name, &self.worker, now, now + self.lease)
            .await?;
        Ok(fence.is_some())
    }
}
