package io.conveyor.web;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import java.util.EnumSet;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.format.FormatterRegistry;
import org.springframework.web.filter.UrlHandlerFilter;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Puts the filters in their order, outermost first, and the interceptor in front of the API; enums are read by their names in the contract. */
@Configuration(proxyBeanMethods = false)
class WebSetup implements WebMvcConfigurer {

    @Bean
    FilterRegistrationBean<RequestIds> requestIds() {
        return registered(new RequestIds(), 0, EnumSet.allOf(DispatcherType.class));
    }

    @Bean
    FilterRegistrationBean<ResponseHeaders> responseHeaders() {
        return registered(new ResponseHeaders(), 1, EnumSet.of(DispatcherType.REQUEST, DispatcherType.ERROR));
    }

    @Bean
    FilterRegistrationBean<FaultBarrier> faultBarrier() {
        return registered(new FaultBarrier(), 2, EnumSet.of(DispatcherType.REQUEST));
    }

    @Bean
    FilterRegistrationBean<UrlHandlerFilter> trailingSlashes() {
        UrlHandlerFilter filter =
                UrlHandlerFilter.trailingSlashHandler("/v1/**").wrapRequest().build();
        return registered(filter, 3, EnumSet.of(DispatcherType.REQUEST));
    }

    private static <F extends Filter> FilterRegistrationBean<F> registered(
            F filter, int position, EnumSet<DispatcherType> types) {
        FilterRegistrationBean<F> registration = new FilterRegistrationBean<>(filter);
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE + position);
        registration.setDispatcherTypes(types);
        return registration;
    }

    @Override
    public void addFormatters(FormatterRegistry registry) {
        registry.addConverterFactory(new WireNames());
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new DeclaredParameters()).addPathPatterns("/v1", "/v1/**");
    }
}
