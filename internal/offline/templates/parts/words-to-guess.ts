/** Common words of five to nine letters. */
export const wordsToGuess = [
  "apple", "beach", "bread", "cloud", "dance", "eagle", "flame", "grape", "honey", "island", "jungle", "kettle", "lemon", "market", "needle", "orange",
  "pencil", "puzzle", "rabbit", "saddle", "tomato", "umbrella", "valley", "window", "yellow", "zebra", "bridge", "candle", "dragon", "engine", "forest", "guitar",
  "hammer", "insect", "jacket", "kitchen", "ladder", "mountain", "notebook", "ocean", "planet", "quarter", "river", "sunlight", "thunder", "village", "whistle", "blanket",
] as const;
