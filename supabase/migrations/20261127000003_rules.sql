-- The rules that the second migration made are for what is written, not for the row that it is written into: a row from before
-- that breaks one can be changed in its other columns, and a file from before can come back from a revision. A check knows only the
-- new row, so triggers take their place; their conditions cost a write that keeps the rules nothing.

-- codeforge_refuse refuses as a check would whose name is its argument.
create or replace function public.codeforge_refuse() returns trigger language plpgsql set search_path = '' as $$
begin
  if tg_table_name = 'project_files' then
    if exists (select from public.file_revisions r where r.project_id = new.project_id and r.path = new.path and r.revision < new.revision
      and not r.deleted and (tg_argv[0] = 'codeforge_path' or r.content = new.content)) then
      return new;
    end if;
  end if;
  raise exception using errcode = '23514', table = tg_table_name, constraint = tg_argv[0],
    message = format('new row for relation "%s" violates check constraint "%s"', tg_table_name, tg_argv[0]);
end
$$;
revoke execute on function public.codeforge_refuse() from public, anon, authenticated;
grant execute on function public.codeforge_refuse() to service_role;

do $$
declare r record;
begin
  for r in
    select * from (values
      ('project_files', 'codeforge_path', 'path', $c$char_length(new.path) <= public.codeforge_limit('path')
        and new.path !~ '(^|/)\.{0,2}(/|$)' and new.path !~ '^[A-Za-z]:' and new.path !~ ('[^/]{' || public.codeforge_limit('path_segment') || '}[^/]')
        and new.path !~ '[\x01-\x1f\x7f-\x9f\\\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]'$c$),
      ('project_files', 'codeforge_size', 'content', $c$char_length(new.content) <= public.codeforge_limit('content')$c$),
      ('projects', 'codeforge_title', 'title', $c$char_length(new.title) <= public.codeforge_limit('title')$c$),
      ('projects', 'codeforge_description', 'description', $c$char_length(new.description) <= public.codeforge_limit('description')$c$),
      ('projects', 'codeforge_requirements', 'requirements_spec', 'pg_column_size(new.requirements_spec) <= 1000000'),
      ('projects', 'codeforge_architecture', 'architecture_spec', 'pg_column_size(new.architecture_spec) <= 1000000'),
      ('agent_jobs', 'codeforge_input', 'input_context', 'pg_column_size(new.input_context) <= 300000')
    ) as v (tab, name, col, rule)
  loop
    execute format('alter table public.%I drop constraint if exists %I', r.tab, r.name);
    execute format('drop trigger if exists %1$s on public.%2$I; drop trigger if exists %1$s_changed on public.%2$I', r.name, r.tab);
    execute format('create trigger %s before insert on public.%I for each row when ((%s) is false) execute function public.codeforge_refuse(%L)',
      r.name, r.tab, r.rule, r.name);
    execute format('create trigger %1$s_changed before update on public.%2$I for each row when ((%3$s) is false and new.%4$I::text is distinct from old.%4$I::text) execute function public.codeforge_refuse(%1$L)',
      r.name, r.tab, r.rule, r.col);
  end loop;
  alter table public.projects drop constraint if exists codeforge_specs;
end
$$;

create or replace function public.codeforge_schema() returns int language sql immutable set search_path = '' as 'select 12';
notify pgrst, 'reload schema';
