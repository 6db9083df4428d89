/** The file that `export json` writes into its folder and `import json` looks for there. */
export const JSON_FILE = 'lockstep.json'
