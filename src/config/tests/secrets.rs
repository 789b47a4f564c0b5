//! Secrets, `config show` and the fingerprint.

use super::*;

#[cfg(unix)]
#[test]
fn secrets_come_from_files_that_not_everybody_reads() {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    let files = Files::new();
    let secret = files.write("key", "fedcba9876543210fedcba9876543210\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let text = BASE.replace(
        "secret = \"0123456789abcdef0123456789abcdef\"",
        "secret_file = \"key\"",
    );
    let options = LoadOptions {
        files: vec![files.write("shop.toml", &text)],
        ..LoadOptions::default()
    };
    let config = Config::load(&options).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let key = &config.unsubscribe.keys[0];
    assert_eq!(
        key.secret.expose_secret(),
        "fedcba9876543210fedcba9876543210"
    );

    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let found = Config::load(&options).unwrap_err().to_string();
    assert!(
        found.contains("can be read by everybody; run `chmod o-rwx`"),
        "{found}"
    );
    assert!(found.contains("shop.toml:12:"), "{found}");

    let credential = text.replace("secret_file", "secret_credential");
    fs::write(&options.files[0], credential).unwrap();
    let found = Config::load(&options).unwrap_err().to_string();
    assert!(found.contains("LoadCredential"), "{found}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let options = LoadOptions {
        credentials: Some(files.dir.path().to_owned()),
        ..options
    };
    assert!(Config::load(&options).is_ok());
}

#[test]
fn a_secret_given_twice_is_refused_and_a_variable_replaces_a_file() {
    let twice = "[transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nusername = \"u\"\npassword = \"a\"\npassword_file = \"nowhere\"\n";
    check(
        twice,
        "transports.relay.password",
        &["`password_file` is set as well"],
    );
    let text = format!("{BASE}{}", twice.replace("password = \"a\"\n", ""));
    let variables = [("AFTERNOTE__TRANSPORTS__RELAY__PASSWORD", "12345")];
    let config = load_with(&text, &variables).unwrap_or_else(|e| panic!("{}", e.render(false)));
    assert!(!format!("{config:?}").contains("12345"));
}

#[test]
fn show_names_origins_and_masks_secrets() {
    let text = format!(
        "{BASE}[database]\nurl = \"postgres://app:hunter2@db.example/a\"\n\
         [transports.relay]\ntype = \"smtp\"\nhost = \"h.example\"\nusername = \"u\"\npassword = \"hunter2\"\n"
    );
    let variables = [("AFTERNOTE__SEND__BATCH", "9")];
    let config = load_with(&text, &variables).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let shown = config.show();
    for line in [
        "batch = 9  # environment variable AFTERNOTE__SEND__BATCH",
        "password = \"********\"  # ",
        "url = \"postgres://app:********@db.example/a\"  # ",
        "zone = \"Europe/Berlin\"  # ",
        "lease = \"60s\"  # the built-in defaults:",
        "[sequences.own_shop.steps.follow_up]",
    ] {
        assert!(shown.contains(line), "{shown}\nlacks {line}");
    }
    assert!(!shown.contains("[sequences.amazon"), "{shown}");
    let json = config.show_json().to_string();
    for secret in ["hunter2", "0123456789abcdef"] {
        assert!(
            !shown.contains(secret)
                && !json.contains(secret)
                && !format!("{config:?}").contains(secret)
        );
    }
    // What is shown is TOML again.
    let (_, errors) = tree::parse(&shown, 0);
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn fingerprints_follow_settings_and_not_their_place_or_secrets() {
    let base = loads("").fingerprint();
    assert_eq!(base.len(), 16);
    assert_eq!(loads("[send]\nbatch = 100\n").fingerprint(), base);
    assert_ne!(loads("[send]\nbatch = 99\n").fingerprint(), base);
    let other_key = BASE.replace(
        "0123456789abcdef0123456789abcdef",
        "fedcba9876543210fedcba9876543210",
    );
    assert_eq!(load_with(&other_key, &[]).unwrap().fingerprint(), base);
}
