// The screens that nobody sees first.
import type { ComponentType } from "preact";
import "./app"; // what the first screen is made of is one bundle, whoever shares it
import { JobsScreen } from "./screens/jobs";
import { ModelsScreen } from "./screens/models";
import { SettingsScreen } from "./screens/settings";
import { UsageScreen } from "./screens/usage";

export const screens: Record<string, ComponentType> = { jobs: JobsScreen, models: ModelsScreen, settings: SettingsScreen, usage: UsageScreen };
export { LearnPane } from "./screens/learn";
