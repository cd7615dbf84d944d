// Holds an answer to the vendor's Model (test/contract/documented/model.json).

export function kind(value: unknown): string {
	if (value === null) return 'null';
	return Array.isArray(value) ? 'array' : typeof value;
}

const STATUS_NAMES = ['submitted', 'failed', 'processing', 'succeed'];
const NEW_FIELD = 'not in the model';

/** Every field in which an answer breaks the documented Model: an unknown name or another type. */
export function misfits(actual: unknown, model: unknown, path = ''): string[] {
	if (model === 'any') return [];
	if (model === 'status') {
		return STATUS_NAMES.includes(String(actual)) ? [] : [`${path}: ${String(actual)}`];
	}
	if (typeof model === 'string') {
		return model.split('|').includes(kind(actual))
			? []
			: [`${path}: ${kind(actual)}, not ${model}`];
	}
	if (kind(actual) !== kind(model)) return [`${path}: ${kind(actual)}, not ${kind(model)}`];
	return Object.entries(actual as object).flatMap(([field, value]) => {
		const shape = Array.isArray(model) ? model[0] : (model as Record<string, unknown>)[field];
		const below = path ? `${path}.${field}` : field;
		return shape === undefined ? [`${below}: ${NEW_FIELD}`] : misfits(value, shape, below);
	});
}

/** A field the vendor has added breaks nothing; one of another type does. */
export const isNewField = (misfit: string): boolean => misfit.endsWith(NEW_FIELD);
