//! What one server process holds: built once from its settings, closed once.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use crate::chassis::auth::{Keys, Source, Verifier};
use crate::chassis::call::{Calls, Limits};
use crate::chassis::declare::Registry;
use crate::chassis::lifecycle::Lifecycle;
use crate::chassis::observe::{Audit, Metrics, Tracer};
use crate::chassis::resilience::{Health, Services, http_client};
use crate::chassis::settings::{Settings, urls};
use crate::chassis::site::Site;
use crate::chassis::state::{self, Connection, Memory, Operations, Rate, Redis, Store};

/// What the server tells of itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The project's: the default of `MCP_SERVER_NAME`, and the prefix of keys in a shared store.
    pub name: &'static str,
    pub version: &'static str,
    pub instructions: &'static str,
}

/// The parts that all transports share.
pub struct App {
    pub identity: Identity,
    pub settings: Settings,
    pub metrics: Arc<Metrics>,
    pub lifecycle: Arc<Lifecycle>,
    pub calls: Calls,
    pub services: Services,
    /// Keeps long-running work.
    pub operations: Operations,
    pub tracer: Tracer,
    store: Store,
    /// What clients see, set by [`App::offer`].
    pub offered: Registry,
    /// That of the configured port, until a transport knows the one that was bound.
    site: Arc<Mutex<Site>>,
    values: Map<String, Value>,
    watch: Mutex<Option<JoinHandle<()>>>,
}

impl App {
    /// Builds the parts. Values are the effective settings that may be published.
    #[must_use]
    pub fn new(identity: Identity, settings: Settings, values: Map<String, Value>) -> Self {
        let metrics = Arc::new(Metrics::new(identity.version));
        let audit = Audit::default();
        let tracer = settings.otlp_endpoint.as_ref().map_or_else(Tracer::default, |endpoint| {
            let client = http_client(Arc::clone(&settings.proxies), 1);
            Tracer::new(endpoint, client, &settings.server_name, identity.version)
        });
        let lifecycle = Lifecycle::new(settings.shutdown_delay, settings.shutdown_grace);
        let limits = state::Limits { running: settings.max_operations, ttl: settings.state_ttl };
        let secret = settings.state_url.clone();
        if let Some(secret) = &secret {
            let audit = audit.clone();
            secret.on_read(move |name| audit.secret_read(name));
        }
        let shared = secret.filter(|url| url.read() != "memory://");
        let shared = shared.map(|url| Arc::new(Connection::new(url, identity.name, Arc::clone(&metrics))));
        let store = shared.as_ref().map_or_else(
            || Store::Memory(Arc::new(Memory::new(limits))),
            |connection| Store::Redis(Arc::new(Redis::new(Arc::clone(connection), limits))),
        );
        let rate = (settings.rate_per_minute > 0)
            .then(|| Rate::new(settings.rate_per_minute, settings.rate_burst, shared));
        let health = Arc::new(Health::default());
        health.register("server", || true);
        let checked = store.clone();
        health.register("state", move || checked.is_healthy());
        let calls = Calls::new(
            Limits {
                timeout: settings.tool_timeout,
                max_concurrency: settings.max_concurrency,
                max_queue: settings.max_queue,
                max_result_bytes: settings.max_result_bytes,
            },
            Arc::clone(&metrics),
            tracer.clone(),
            audit.clone(),
            Arc::clone(&lifecycle),
            rate,
        );
        let services = Services {
            health,
            attempts: settings.retry_attempts,
            breaker_failures: settings.breaker_failures,
            breaker_reset: settings.breaker_reset,
            metrics: Arc::clone(&metrics),
            tracer: tracer.clone(),
            proxies: Arc::clone(&settings.proxies),
            max_bytes: settings.max_result_bytes,
            audit,
        };
        Self {
            operations: Operations::new(store.clone()),
            site: Arc::new(Mutex::new(Site::new(&settings, settings.port))),
            offered: Registry::default(),
            watch: Mutex::default(),
            identity,
            settings,
            metrics,
            lifecycle,
            calls,
            services,
            tracer,
            store,
            values,
        }
    }

    /// Decides what clients see of a registry.
    ///
    /// # Errors
    /// What is registered twice.
    pub fn offer(&mut self, registry: Registry) -> Result<(), String> {
        registry.check()?;
        let settings = &self.settings;
        self.offered =
            registry.offered(settings.enable_writes, &settings.tools_enabled, &settings.tools_disabled);
        Ok(())
    }

    /// Where the server is found.
    #[must_use]
    pub fn site(&self) -> Site {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the port that was bound.
    pub fn bound(&self, port: u16) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = Site::new(&self.settings, port);
    }

    /// Checks tokens; none when nobody is asked for one. It needs the port that was bound.
    #[must_use]
    pub fn verifier(&self) -> Option<Arc<Verifier>> {
        let settings = &self.settings;
        if settings.auth_mode == "none" || settings.transport == "stdio" {
            return None;
        }
        let source = match (&settings.jwks_url, &settings.jwks_file) {
            (Some(url), _) => Source::Url(http_client(Arc::clone(&settings.proxies), 1), url.clone()),
            (None, file) => Source::File(file.clone().unwrap_or_default()),
        };
        let keys = Keys::new(source, Arc::clone(&self.metrics));
        let audience = audience(settings, &self.site());
        let verifier = Verifier::new(settings.auth_issuer.clone().unwrap_or_default(), audience, keys);
        let verifier = Arc::new(verifier);
        let checked = Arc::clone(&verifier);
        self.services.health.register("auth", move || checked.is_healthy());
        Some(verifier)
    }

    /// Says ready as soon as the store answered once; serving does not wait for it.
    pub fn start(&self) {
        let (store, lifecycle) = (self.store.clone(), Arc::clone(&self.lifecycle));
        let watch = tokio::spawn(async move { store.watch(|| lifecycle.ready()).await });
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Some(watch);
    }

    /// Marks what it interrupts `failed`, and lets go of everything.
    pub async fn close(&self) {
        self.operations.close().await;
        if let Some(watch) = self.watch.lock().unwrap_or_else(PoisonError::into_inner).take() {
            watch.abort();
        }
        self.tracer.close().await;
    }

    /// Tells the effective settings, without secrets, whenever it is called.
    #[must_use]
    pub fn describe(&self) -> Describe {
        let (values, settings, site) = (self.values.clone(), self.settings.clone(), Arc::clone(&self.site));
        let version = self.identity.version;
        Arc::new(move || {
            let site = site.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let state = settings.state_url.as_ref().map_or_else(|| "memory://".to_owned(), |url| url.read());
            let mut values = values.clone();
            values.insert("MCP_STATE_URL".into(), urls::without_secrets(&state).into());
            values.insert("MCP_AUTH_AUDIENCE".into(), audience(&settings, &site).into());
            values.insert("MCP_PUBLIC_URL".into(), site.url.into());
            values.insert("MCP_ALLOWED_HOSTS".into(), site.hosts.into());
            values.insert("MCP_ALLOWED_ORIGINS".into(), site.origins.into());
            json!({
                "name": settings.server_name,
                "version": version,
                "capabilities": ["prompts", "resources", "tools"],
                "settings": values,
            })
        })
    }
}

/// Tells the effective settings.
pub type Describe = Arc<dyn Fn() -> Value + Send + Sync>;

/// Whom tokens must be meant for.
fn audience(settings: &Settings, site: &Site) -> String {
    settings.auth_audience.clone().unwrap_or_else(|| site.resource.clone())
}
