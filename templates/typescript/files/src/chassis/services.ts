/** The registered services that the settings switch on, each with its own guard. */
import type { Service } from './declarations.js';
import { AppError } from './errors.js';
import type { Metrics } from './observability/metrics.js';
import { Guard } from './resilience/guard.js';
import { ServiceClient } from './resilience/http-client.js';
import type { StandardSettings } from './settings/settings.js';

type Health = 'healthy' | 'degraded' | 'disabled';

export class Services {
  readonly #registered: readonly Service<unknown>[];
  readonly #made = new Map<Service<unknown>, unknown>();
  readonly #clients = new Map<Service<unknown>, ServiceClient[]>();

  constructor(
    registered: readonly Service<unknown>[],
    settings: StandardSettings,
    metrics: Metrics,
  ) {
    this.#registered = registered;
    for (const service of registered) {
      const clients: ServiceClient[] = [];
      const made = service.create(settings, (options) => {
        const guard = new Guard(service.name, metrics, {
          timeoutSeconds: options.timeoutSeconds,
          maxConcurrency: options.maxConcurrency,
          attempts: settings.retryAttempts,
          breakerFailures: settings.breakerFailures,
          breakerResetSeconds: settings.breakerResetSeconds,
        });
        const client = new ServiceClient(service.name, guard, options, settings.maxResultBytes);
        clients.push(client);
        return client;
      });
      if (made !== undefined) this.#made.set(service, made);
      this.#clients.set(service, clients);
    }
  }

  has(service: Service<unknown>): boolean {
    return this.#made.has(service);
  }

  /** @throws AppError `dependency_unavailable` when its settings are unset */
  use<T>(service: Service<T>): T {
    if (!this.has(service)) {
      throw new AppError('dependency_unavailable', { message: `${service.name} is unavailable` });
    }
    return this.#made.get(service) as T;
  }

  health(): Readonly<Record<string, Health>> {
    const checks = this.#registered.map((service): [string, Health] => {
      if (!this.has(service)) return [service.name, 'disabled'];
      const healthy = this.#clients.get(service)?.every((client) => client.healthy) ?? true;
      return [service.name, healthy ? 'healthy' : 'degraded'];
    });
    return Object.fromEntries(checks);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].flat().map((client) => client.close()));
  }
}
