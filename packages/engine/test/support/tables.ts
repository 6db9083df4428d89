/** Tables with every kind of column and both kinds of reference. */
import { column, defineSchema, table } from '#schema'

export const schema = defineSchema({
  spaces: table({ name: column.text({ default: '' }), color: column.integer() }),
  notes: table(
    {
      space: column.reference('spaces', 'recover'),
      title: column.text({ default: '' }),
      text: column.collaborativeText(),
      tags: column.set(),
      weight: column.real(),
      picture: column.blob(),
    },
    { search: ['title', 'text'], indexes: [['space']] },
  ),
  stars: table({ note: column.reference('notes', 'cascade'), count: column.integer({ default: 0 }) }),
})
