//! The channels configuration has named so far.

use serde::Serialize;

use crate::{clock::Instant, mail::Platform};

use super::{StoreError, Ts, Tx, bulk::encode};

statements! {
    PUT_CHANNELS = ["INSERT INTO channels (name, platform, started_at, created_at)
        SELECT j.value->>'name', j.value->>'platform', CAST(j.value->>'started_at' AS BIGINT), CAST($2 AS BIGINT)
        FROM" rows "WHERE TRUE
        ON CONFLICT (name) DO UPDATE SET platform = excluded.platform,
            started_at = COALESCE(excluded.started_at, channels.started_at)"];
    CHANNELS = ["SELECT name, platform, started_at FROM channels ORDER BY name"];
}

/// A channel as configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRow {
    /// Its name; never renamed.
    pub name: String,
    /// Where it sells.
    pub platform: Platform,
    /// Orders accepted before are history; `None`: not switched on.
    pub started_at: Option<Ts>,
}

impl Tx {
    /// Makes the channels of the configuration known. A start once set is not unset.
    pub async fn put_channels(
        &mut self,
        channels: &[ChannelRow],
        now: Instant,
    ) -> Result<(), StoreError> {
        let json = encode(channels)?;
        execute!(self, PUT_CHANNELS, &json, Ts::from(now)).map(drop)
    }

    /// Every channel that was ever configured, by name.
    pub async fn channels(&mut self) -> Result<Vec<ChannelRow>, StoreError> {
        let rows: Vec<(String, String, Option<Ts>)> = fetch_all!(self, CHANNELS)?;
        rows.into_iter()
            .map(|(name, platform, started_at)| {
                Ok(ChannelRow {
                    platform: platform.parse().map_err(|_| StoreError::Corrupt {
                        table: "channels",
                        column: "platform",
                        id: 0,
                    })?,
                    name,
                    started_at,
                })
            })
            .collect()
    }
}
