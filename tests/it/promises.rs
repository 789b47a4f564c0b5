//! The promises, each with tests that fail when it is broken.

use crate::support::{TestApp, journey, on_both_engines, orders::day};

on_both_engines! {
    async fn first(database) {
        let app = TestApp::new(database).await;
        app.play(journey("1001")).await;
        app.run_until(day(40, "00:00")).await;
        for mail in app.why("1001").await.mails { println!("{} {} {:?} {:?} {:?} {:?}", mail.step, mail.state, mail.detail, mail.reason, mail.local, mail.because.iter().map(|l| format!("{} {}", l.reason, l.detail)).collect::<Vec<_>>()); }
        let t = std::time::Instant::now();
        let _b = TestApp::new(database).await;
        println!("start {:?}", t.elapsed());
        for mail in app.sent().await {
            println!("{} {} {}", mail.at, mail.kind, mail.subject);
        }
    }
}
