/** The contracts as files: what `contracts/` must hold, byte for byte. */
import { sortKeys } from './json.js';
import {
  type Contract,
  fullDescription,
  type Prompt,
  type Resource,
  type ServerDefinition,
  type Tool,
} from './declarations.js';

type Offered = Pick<ServerDefinition, 'tools' | 'resources' | 'prompts'>;

/** Path below `contracts/` → text: JSON with sorted keys, two spaces, one final newline. */
export function contractFiles({ tools, resources, prompts }: Offered): ReadonlyMap<string, string> {
  return new Map([
    ...tools.map((tool) => contractFile('tools', toolContract(tool))),
    ...resources.map((resource) => contractFile('resources', resourceContract(resource))),
    ...prompts.map((prompt) => contractFile('prompts', promptContract(prompt))),
  ]);
}

function contractFile(folder: string, contract: { name: string }): [string, string] {
  const text = JSON.stringify(sortKeys(sortRequired(contract)), undefined, 2);
  return [`${folder}/${contract.name}.json`, `${text}\n`];
}

function common(contract: Contract) {
  const { name, title, version, deprecated } = contract;
  return { name, title, description: fullDescription(contract), version, deprecated };
}

function toolContract(tool: Tool) {
  const { annotations, inputSchema, outputSchema, scope, sideEffects } = tool;
  const errors = Object.entries(tool.errors)
    .map(([code, description]) => ({ code, description }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
  return { ...common(tool), annotations, inputSchema, outputSchema, scope, sideEffects, errors };
}

function resourceContract(resource: Resource) {
  const { uri, mimeType, scope } = resource;
  const address = uri.includes('{') ? { uriTemplate: uri } : { uri };
  return { ...common(resource), ...address, mimeType, scope };
}

function promptContract(prompt: Prompt) {
  const args = Object.entries(prompt.arguments).map(([name, description]) => ({
    name,
    description,
    required: true,
  }));
  return { ...common(prompt), arguments: args };
}

/** The order of `required` means nothing, so that it must not make a difference. */
function sortRequired<T>(schema: T): T;
function sortRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => sortRequired(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]: [string, unknown]) => [
      key,
      key === 'required' && Array.isArray(member)
        ? [...(member as string[])].sort()
        : sortRequired(member),
    ]),
  );
}
