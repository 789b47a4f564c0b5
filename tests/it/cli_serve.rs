//! `afternote serve`: from a dropped file to the relay, health, and the end.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, SystemTime},
};

use afternote::deliver::{
    Phase,
    fake_relay::{Action, FakeRelay, Fault, RelayOptions},
};
use tokio::time::{Instant, sleep};

use crate::cli::{Place, fresh_order};

/// Everything here comes within that time, or never.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running service; killed when the test ends before it.
struct Service {
    child: Child,
    log: Receiver<String>,
    seen: Vec<String>,
}

impl Service {
    fn start(place: &Place, args: &[&str]) -> Self {
        let mut all = vec!["--config", "afternote.toml", "serve"];
        all.extend(args);
        let mut child = place
            .command(&all)
            .env("AFTERNOTE__WEB__LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            log,
            seen: Vec::new(),
        }
    }

    /// Waits for a line of the log with these words.
    fn wait_for(&mut self, words: &str) -> String {
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(error) => panic!("`{words}` was never said ({error}): {:#?}", self.seen),
            }
        }
    }

    /// Where it listens.
    fn url(&mut self) -> String {
        let line = self.wait_for("web.listening");
        let address = line.split("address=").nth(1).unwrap();
        format!("http://{}", address.split_whitespace().next().unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    async fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it did not end");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn with_relay() -> (Place, FakeRelay) {
    let relay = FakeRelay::start(RelayOptions::default()).await.unwrap();
    let place = Place::new(&format!(
        "[transports.outbox]\ntype = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\n\
         security = \"none\"\nhello = \"test.example\"\n",
        relay.address().port()
    ));
    (place, relay)
}

/// Puts a file into the drop folder that nobody writes to any more.
fn drop_file(place: &Place, name: &str, text: &str) {
    let path = place.write(&format!("aside/{name}"), text);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    std::fs::create_dir_all(place.path("data/inbox")).unwrap();
    std::fs::rename(path, place.path("data/inbox").join(name)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_file_becomes_a_mail_and_the_service_ends_gracefully() {
    let (place, relay) = with_relay().await;
    let mut service = Service::start(&place, &[]);
    let url = service.url();
    place.run(&["health", "--wait", "30", "--url", &url]).check(
        0,
        &["ready", "database", "migrations", "scheduler", "templates"],
    );
    drop_file(&place, "orders.csv", &fresh_order("A1"));
    drop_file(&place, "broken.csv", "order_ref,accepted_at\nA2,soon\n");
    until("the mail", || relay.accepted() == 1).await;
    until("the report", || {
        place.path("data/inbox/done/orders.csv.report.txt").exists()
            && place
                .path("data/inbox/failed/broken.csv.report.txt")
                .exists()
    })
    .await;
    assert_eq!(relay.received()[0].recipient, "anna@example.com");
    service.signal("-TERM");
    assert_eq!(service.end().await.code(), Some(0));
    place
        .run(&["health", "--url", &url])
        .check(1, &["not ready", "is `afternote serve` running"]);
    // Nothing is left to send, and nothing is sent again.
    place.run(&["dispatch"]).check(0, &["nothing is due"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_under_way_is_finished_and_settled_before_the_end() {
    let (place, relay) = with_relay().await;
    relay.fault_next(Fault {
        phase: Phase::Body,
        action: Action::Delay(Duration::from_secs(3)),
    });
    let mut service = Service::start(&place, &["--role", "worker"]);
    drop_file(&place, "orders.csv", &fresh_order("A1"));
    until("the mail begins", || relay.connections() > 0).await;
    service.signal("-INT");
    service.wait_for("service.stopping");
    assert_eq!(service.end().await.code(), Some(0));
    assert_eq!(relay.accepted(), 1);
    place.run(&["dispatch"]).check(0, &["nothing is due"]);
    assert_eq!(relay.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_it_at_once() {
    let (place, relay) = with_relay().await;
    relay.fault_next(Fault {
        phase: Phase::Body,
        action: Action::Silence,
    });
    let mut service = Service::start(&place, &["--role", "worker"]);
    drop_file(&place, "orders.csv", &fresh_order("A1"));
    until("the mail begins", || relay.connections() > 0).await;
    service.signal("-TERM");
    service.wait_for("service.stopping");
    service.signal("-TERM");
    service.wait_for("service.cut_short");
    assert_eq!(service.end().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_names_of_this_machine_are_answered() {
    let place = Place::new("");
    let mut service = Service::start(&place, &["--role", "web"]);
    let url = service.url();
    let address = url.trim_start_matches("http://");
    let ask = |path: &str, host: &str| {
        use std::io::Write as _;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/livez", "localhost").contains("{\"alive\":true}"));
    assert!(ask("/livez", "evil.example").starts_with("HTTP/1.0 421"));
    assert!(ask("/", "localhost").starts_with("HTTP/1.0 404"));
    // Without jobs in this process, readiness asks for none.
    let ready = ask("/readyz", "127.0.0.1");
    assert!(ready.starts_with("HTTP/1.0 200"), "{ready}");
    assert!(!ready.contains("scheduler"), "{ready}");
    service.signal("-TERM");
    assert_eq!(service.end().await.code(), Some(0));
}

#[test]
fn a_port_that_is_taken_and_one_open_to_others_are_refused() {
    let place = Place::new("");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |listen: &str| {
        let output = place
            .command(&["--config", "afternote.toml", "serve"])
            .env("AFTERNOTE__WEB__LISTEN", listen)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, said) = serve(&address);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("is in use by another program"), "{said}");
    let (code, said) = serve("0.0.0.0:0");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("without a login"), "{said}");
}
