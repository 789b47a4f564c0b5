//! Templates that change while the engine runs: taken up all at once, or not at all.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    config::Config,
    render::{Catalogue, TemplateFiles},
};

use super::{
    Engine,
    assemble::{self, AssembleError},
};

/// Remembers which templates were looked at last.
#[derive(Debug)]
pub struct Reloader {
    config: Arc<Config>,
    last: Mutex<Option<TemplateFiles>>,
}

impl Reloader {
    /// A reloader that takes the templates as they are now for the ones in use.
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            last: Mutex::new(assemble::templates(&config).ok()),
            config,
        }
    }

    /// Puts changed templates into use; with a fault in them, those of before stay.
    pub fn take_up(&self, engine: &Engine) {
        let files = match assemble::templates(&self.config) {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(event = "templates.unreadable", %error);
                return;
            }
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(&files) {
            return;
        }
        match Catalogue::load(&files, &assemble::wanted(&self.config)) {
            Ok(catalogue) => {
                engine.replace_catalogue(Arc::new(catalogue));
                tracing::info!(event = "templates.reloaded");
            }
            Err(problems) => tracing::error!(
                event = "templates.refused",
                error = %AssembleError::Templates(problems),
                "the templates of before stay in use"
            ),
        }
        // A faulty set, too, is looked at once: it is reported again when it changes again.
        *last = Some(files);
    }
}
