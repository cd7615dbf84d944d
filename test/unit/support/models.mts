/** An upscaled image as the API answers it, with changes. */

export const work = (changes: object = {}) => ({
	workId: 11,
	taskId: 10,
	contentType: 'image',
	resource: { resource: 'https://cdn.example/a.png', width: 40, height: 30 },
	cover: { resource: 'https://cdn.example/cover.png' },
	...changes,
});
export const model = (changes: object = {}) => ({
	task: {
		id: 10,
		type: 'mmu_image_upscale_aiweb',
		createTime: 1745376611075,
		updateTime: 1745376612075,
	},
	works: [work()],
	status_name: 'succeed',
	status_final: true,
	...changes,
});
