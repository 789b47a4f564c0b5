//! A fake relay over real SMTP, and the configuration that sends to it.

use afternote::deliver::fake_relay::{FakeRelay, RelayOptions};

/// A running relay with the TOML that makes every channel of the tests send to it.
pub(crate) async fn start() -> (FakeRelay, String) {
    start_with(RelayOptions::default(), "").await
}

/// A running relay of these options; `keys` are further keys of the transport.
pub(crate) async fn start_with(options: RelayOptions, keys: &str) -> (FakeRelay, String) {
    let relay = FakeRelay::start(options).await.unwrap();
    let port = relay.address().port();
    let config = format!(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         security = \"none\"\nhello = \"test.example\"\n{keys}\n\
         [channels.\"*\"]\ntransport = \"relay\"\n"
    );
    (relay, config)
}
